//! What a program sees as `/`, laid out once for all its starts. Bubblewrap reads the machine's whole
//! table of mounts for each one that it makes, so this is one for it, and not thirty.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};

use super::prefix;

/// Files of `/etc` that say how names are looked up.
const COPIED: [&str; 3] = ["hosts", "resolv.conf", "nsswitch.conf"];

/// Files of `/etc` that are of nobody's making here: the only user, and the only group.
const WRITTEN: [(&str, &str); 2] =
    [("passwd", "student:x:1000:1000:student:/home/student:/bin/sh\n"), ("group", "student:x:1000:\n")];

/// A tree of folders, with the machine's own mounted in it.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Lays it out in a new folder. `places` are folders over which something is mounted later.
    ///
    /// # Errors
    /// The system's.
    pub fn lay(root: PathBuf, places: &[&str]) -> io::Result<Self> {
        let this = Self { root };
        fs::create_dir(&this.root)?;
        fs::set_permissions(&this.root, Permissions::from_mode(0o755))?;
        for place in ["/etc", "/run", "/var"].iter().chain(places) {
            this.make_folder(&this.inside(Path::new(place)))?;
        }
        symlink("../tmp", this.inside(Path::new("/var/tmp")))?;
        for folder in prefix::SYSTEM.iter().map(Path::new) {
            match fs::read_link(folder) {
                Ok(target) => symlink(target, this.inside(folder))?,
                Err(_) if folder.exists() => this.show(folder)?,
                Err(_) => {}
            }
        }
        prefix::etc().iter().try_for_each(|file| this.show(file))?;
        this.write_names()?;
        Ok(this)
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a place for a file or folder of the machine, which is mounted over it later.
    ///
    /// # Errors
    /// The system's.
    pub fn make_place(&self, original: &Path) -> io::Result<()> {
        let place = self.inside(original);
        if original.is_dir() {
            return self.make_folder(&place);
        }
        place.parent().map_or(Ok(()), |folder| self.make_folder(folder))?;
        if !place.exists() {
            drop(File::create(&place)?);
        }
        Ok(())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Mounts a file or folder of the machine in its place.
    fn show(&self, original: &Path) -> io::Result<()> {
        self.make_place(original)?;
        bind(original, &self.inside(original))
    }

    /// A folder that everybody may enter, whatever this process's umask is; also those above it.
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        folder.parent().map_or(Ok(()), |above| self.make_folder(above))?;
        fs::create_dir(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o755))
    }

    fn write_names(&self) -> io::Result<()> {
        let folder = self.root.join("etc");
        let put = |name: &str, text: &[u8]| {
            let file = folder.join(name);
            fs::write(&file, text)?;
            fs::set_permissions(&file, Permissions::from_mode(0o644))
        };
        for name in COPIED {
            // As this process sees them now: a mount of its own may lie over a file that has no name.
            if let Ok(text) = fs::read(Path::new("/etc").join(name)) {
                put(name, &text)?;
            }
        }
        WRITTEN.iter().try_for_each(|(name, text)| put(name, text.as_bytes()))
    }
}

/// Mounts a file or folder of the machine over another, with what is mounted in it.
///
/// # Errors
/// The system's.
pub fn bind(original: &Path, place: &Path) -> io::Result<()> {
    const NOTHING: Option<&str> = None;
    Ok(mount(Some(original), place, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)?)
}
