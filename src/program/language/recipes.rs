//! How programs are built and run, language by language. What is built goes into a folder of its own,
//! [`OUT`], beside what the student wrote.

use camino::{Utf8Path, Utf8PathBuf};

use super::source::Source;
use super::table::{CMAKE, DOTNET, ESBUILD, GCC, GO, GXX, JAVA, JAVAC, MAKE, MCS, MONO, NODE, RUSTC, TYPESCRIPT};
use super::tools::{NoTool, Tool};
use super::{Build, Recipe, Run};
use crate::ids::Role;
use crate::program::find::{name_fits, name_forbids, name_leans};

/// The folder for what is built, in the folder of a build.
pub const OUT: &str = ".sockspec";

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

fn build(folder: &Utf8Path, commands: Vec<Vec<String>>, run: Run) -> Build {
    Build { folder: folder.to_string(), commands, env: Vec::new(), files: Vec::new(), run }
}

fn executable(source: &Source<'_>, names: Vec<String>) -> Run {
    Run::Executable { names, beside: source.folder().to_string() }
}

/// A name for what is built of a file: two of one name in two folders are two.
fn slug(file: &Utf8Path) -> String {
    file.with_extension("").as_str().replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "-")
}

/// Nothing is built.
pub fn interpreted(tool: &Tool, source: &Source<'_>) -> Result<Recipe, NoTool> {
    Ok(Recipe { builds: Vec::new(), run: vec![tool.find()?, source.file.to_string()] })
}

/// C: by the submission's Makefile or CMakeLists where there is one, else by the compiler.
pub fn c(source: &Source<'_>) -> Result<Recipe, NoTool> {
    // What older compilers took with a warning, newer ones refuse.
    let lenient = ["implicit-function-declaration", "implicit-int", "int-conversion", "incompatible-pointer-types"];
    let flags: Vec<String> = lenient.iter().map(|name| format!("-Wno-{name}")).collect();
    compiled(source, &GCC, &flags, &["c"])
}

/// C++, likewise.
pub fn cpp(source: &Source<'_>) -> Result<Recipe, NoTool> {
    compiled(source, &GXX, &[], &["cpp", "cc", "cxx", "c++"])
}

fn compiled(source: &Source<'_>, tool: &Tool, flags: &[String], endings: &[&str]) -> Result<Recipe, NoTool> {
    let named = || executable(source, vec![source.stem().to_owned()]);
    let mut builds = Vec::new();
    if let Some((folder, _)) = source.nearest(&["GNUmakefile", "makefile", "Makefile"]) {
        builds.push(build(folder, vec![vec![MAKE.find()?]], named()));
    }
    if let Some((folder, _)) = source.nearest(&["CMakeLists.txt"]) {
        let (cmake, place) = (CMAKE.find()?, format!("{OUT}/cmake"));
        let configure = [vec![cmake.clone()], words(&["-S", ".", "-B", &place])].concat();
        builds.push(build(folder, vec![configure, vec![cmake, "--build".to_owned(), place]], named()));
    }
    let compiler = match tool.find() {
        Ok(compiler) => compiler,
        Err(_) if !builds.is_empty() => return Ok(Recipe { builds, run: Vec::new() }),
        Err(lacking) => return Err(lacking),
    };
    let out = format!("{OUT}/{}", slug(source.file));
    let mut way = |shared: Vec<String>| {
        let head = [vec![compiler.clone()], words(&["-g", "-o", &out]), flags.to_vec()].concat();
        let command = [head, vec![source.file.to_string()], shared, words(&["-lm", "-pthread"])].concat();
        builds.push(build(Utf8Path::new(""), vec![command], Run::Command(vec![format!("./{out}")])));
    };
    // With what several programs share, and without what other programs share.
    let siblings = source.siblings(endings).into_iter().filter(|name| !has_main(&source.text_of(name)));
    let shared: Vec<String> = siblings.map(|name| source.folder().join(name).into_string()).collect();
    if !shared.is_empty() {
        way(shared);
    }
    way(Vec::new());
    Ok(Recipe { builds, run: Vec::new() })
}

fn has_main(text: &str) -> bool {
    let text = without_comments(text);
    let words: Vec<&str> = tokens(&text).collect();
    words.windows(2).any(|pair| pair == ["main", "("])
}

/// Java: the file with what it names, or all files of its folder.
pub fn java(source: &Source<'_>) -> Result<Recipe, NoTool> {
    let (javac, java) = (JAVAC.find()?, JAVA.find()?);
    let package = package_of(&source.text);
    let root = source_root(source.folder(), package.as_deref());
    let out = format!("{OUT}/{}", slug(source.file));
    let main = main_class(&source.text, source.role).unwrap_or_else(|| source.stem().to_owned());
    let main = package.map_or(main.clone(), |package| format!("{package}.{main}"));
    // A small machine, started quickly.
    let flags = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp", &out, &main];
    let run = Run::Command([vec![java], words(&flags)].concat());
    let path = if root.as_str().is_empty() { "." } else { root.as_str() };
    let common = words(&["-g", "-nowarn", "-encoding", "UTF-8", "-d", &out, "-sourcepath", path]);
    let alone = [vec![javac.clone()], common.clone(), vec![source.file.to_string()]].concat();
    let nowhere = Utf8Path::new("");
    let mut builds = vec![build(nowhere, vec![alone.clone()], run.clone())];
    if let Some(name) = public_class(&source.text).filter(|name| name != source.stem()) {
        // Where the file's name is another (a disk that does not tell cases apart), under the class's.
        let renamed = format!("{out}/renamed/{name}.java");
        let command = [vec![javac.clone()], common.clone(), vec![renamed.clone()]].concat();
        let mut build = build(nowhere, vec![command], run.clone());
        build.files = vec![(renamed, source.text.clone())];
        builds.insert(0, build);
    }
    let others: Vec<String> =
        source.siblings(&["java"]).into_iter().map(|name| source.folder().join(name).into_string()).collect();
    if !others.is_empty() {
        builds.push(build(nowhere, vec![[alone, others].concat()], run));
    }
    Ok(Recipe { builds, run: Vec::new() })
}

/// The name in a `package` line.
fn package_of(text: &str) -> Option<String> {
    let text = without_comments(text);
    let rest = text.split(['\n', ';']).find_map(|line| line.trim().strip_prefix("package "))?;
    let name: String = rest.chars().filter(|c| !c.is_whitespace()).collect();
    (!name.is_empty()).then_some(name)
}

/// The folder below which a package's folders stand.
fn source_root(folder: &Utf8Path, package: Option<&str>) -> Utf8PathBuf {
    let wanted: Utf8PathBuf = package.map(|name| name.split('.').collect()).unwrap_or_default();
    let above = folder.as_str().strip_suffix(wanted.as_str()).filter(|above| above.is_empty() || above.ends_with('/'));
    above.map_or_else(|| folder.to_owned(), |above| Utf8PathBuf::from(above.trim_end_matches('/')))
}

/// The class with `static void main`, as the virtual machine names it: `Outer$Inner`. Of several the one
/// whose name is the role's, else the first whose name is not another's.
fn main_class(text: &str, role: Role) -> Option<String> {
    let mains = main_classes(&without_comments(text));
    let last = |name: &String| name.rsplit('$').next().unwrap_or_default().to_owned();
    let fitting = mains.iter().find(|name| name_fits(&last(name), role));
    let side = || mains.iter().find(|name| name_leans(&last(name), role));
    let other = || mains.iter().find(|name| !name_forbids(&last(name), role));
    fitting.or_else(side).or_else(other).or(mains.first()).cloned()
}

fn main_classes(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut classes: Vec<(String, usize)> = Vec::new();
    let (mut depth, mut pending, mut before): (usize, Option<String>, [&str; 2]) = (0, None, ["", ""]);
    for token in tokens(text) {
        match token {
            "{" => {
                depth += 1;
                if let Some(name) = pending.take() {
                    classes.push((name, depth));
                }
            }
            "}" => {
                classes.retain(|(_, at)| *at < depth);
                depth = depth.saturating_sub(1);
            }
            ";" => pending = None,
            "main" if before == ["static", "void"] => {
                let names: Vec<&str> = classes.iter().map(|(name, _)| name.as_str()).collect();
                found.extend((!names.is_empty()).then(|| names.join("$")));
            }
            name if matches!(before[1], "class" | "enum" | "interface" | "record") => pending = Some(name.to_owned()),
            _ => {}
        }
        before = [before[1], token];
    }
    found
}

/// The class that the file must be named for.
fn public_class(text: &str) -> Option<String> {
    let text = without_comments(text);
    let words: Vec<&str> = tokens(&text).collect();
    let found = words.windows(5).find_map(|five| {
        let at = five.iter().position(|word| *word == "class")?;
        (five[0] == "public" && five[1..at].iter().all(|word| matches!(*word, "final" | "abstract" | "strictfp")))
            .then(|| five[at + 1..].first().copied())
            .flatten()
    })?;
    Some(found.to_owned())
}

/// Words and single signs.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, more) = rest.split_at(end);
        rest = more;
        Some(token)
    })
}

/// A text of Java, C or their like without comments, and with empty strings.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('/', Some('/')) => while chars.next_if(|c| *c != '\n').is_some() {},
            ('/', Some('*')) => {
                let mut last = ' ';
                chars.next();
                for c in chars.by_ref() {
                    if (last, c) == ('*', '/') {
                        break;
                    }
                    last = c;
                }
                out.push(' ');
            }
            ('"' | '\'', _) => {
                while let Some(inner) = chars.next_if(|inner| *inner != '\n') {
                    if inner == '\\' {
                        chars.next();
                    } else if inner == c {
                        break;
                    }
                }
                out.push_str("\"\"");
            }
            _ => out.push(c),
        }
    }
    out
}

/// TypeScript: without its types and with the files that it imports as one file of JavaScript; else by what
/// runs it as it is. Types are a matter between the student and the editor: a lab asks what the program does.
pub fn typescript(source: &Source<'_>) -> Result<Recipe, NoTool> {
    let (Ok(esbuild), Ok(node)) = (ESBUILD.find(), NODE.find()) else { return interpreted(&TYPESCRIPT, source) };
    // The first knows `require`, the second `await` outside of a function.
    let build = |format: &str, ending: &str| {
        let out = format!("{OUT}/{}.{ending}", slug(source.file));
        let flags = ["--bundle", "--platform=node", "--sourcemap=inline", "--log-level=warning", "--color=false"];
        let command = [vec![esbuild.clone(), source.file.to_string()], words(&flags)].concat();
        let command = [command, vec![format!("--format={format}"), format!("--outfile={out}")]].concat();
        let run = Run::Command(vec![node.clone(), "--enable-source-maps".to_owned(), out]);
        build(Utf8Path::new(""), vec![command], run)
    };
    Ok(Recipe { builds: vec![build("cjs", "cjs"), build("esm", "mjs")], run: Vec::new() })
}

/// Go: a package, or one file of a folder with several programs.
pub fn go(source: &Source<'_>) -> Result<Recipe, NoTool> {
    let go = GO.find()?;
    let module = source.nearest(&["go.mod"]).map(|(folder, _)| folder);
    let folder = module.unwrap_or(Utf8Path::new(""));
    let (out, inside) = (format!("{OUT}/{}", slug(source.file)), relative(source.folder(), folder));
    let run = Run::Command(vec![format!("./{}", folder.join(&out))]);
    let mains = |name: &Utf8PathBuf| source.text_of(name).contains("func main(");
    let command = |what: Vec<String>| {
        let command = [vec![go.clone()], words(&["build", "-o", &out]), what].concat();
        let mut build = build(folder, vec![command], run.clone());
        // Nothing is fetched, and no C compiler is needed.
        build.env = [("GOPROXY", "off"), ("GOTOOLCHAIN", "local"), ("CGO_ENABLED", "0"), ("GOTELEMETRY", "off")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        build
    };
    let siblings = source.siblings(&["go"]);
    let with: Vec<&Utf8PathBuf> =
        siblings.iter().filter(|name| !mains(name) && !name.as_str().ends_with("_test.go")).collect();
    let files = std::iter::once(source.name()).chain(with.into_iter().map(|name| name.as_str()));
    let files = command(files.map(|name| inside.join(name).into_string()).collect());
    let package = command(vec![format!("./{inside}")]);
    let builds = match module {
        Some(_) if !siblings.iter().any(mains) => vec![package, files],
        _ => vec![files],
    };
    Ok(Recipe { builds, run: Vec::new() })
}

fn relative(path: &Utf8Path, to: &Utf8Path) -> Utf8PathBuf {
    path.strip_prefix(to).map_or_else(|_| path.to_owned(), Utf8Path::to_owned)
}

/// Rust: a package of Cargo's, or one file.
pub fn rust(source: &Source<'_>) -> Result<Recipe, NoTool> {
    let rustc = RUSTC.find()?;
    let mut builds = Vec::new();
    if let Some((folder, manifest)) = source.nearest(&["Cargo.toml"]) {
        let beside = Utf8Path::new(&rustc).with_file_name("cargo");
        let cargo = if beside.is_file() { beside.into_string() } else { "cargo".to_owned() };
        let place = format!("{OUT}/target");
        let command =
            [vec![cargo], words(&["build", "--offline", "--color", "never", "--target-dir", &place])].concat();
        let manifest = std::fs::read_to_string(source.root.join(folder).join(manifest)).unwrap_or_default();
        let mut names = Vec::new();
        if source.stem() != "main" {
            names.push(source.stem().to_owned());
        }
        names.extend(package_name(&manifest));
        builds.push(build(folder, vec![command], executable(source, names)));
    }
    let out = format!("{OUT}/{}", slug(source.file));
    let command =
        [vec![rustc], words(&["--edition", "2021", "--color", "never", "-o", &out, source.file.as_str()])].concat();
    builds.push(build(Utf8Path::new(""), vec![command], Run::Command(vec![format!("./{out}")])));
    Ok(Recipe { builds, run: Vec::new() })
}

/// The first `name` in a manifest of Cargo's: that of the package, as such files are written.
fn package_name(manifest: &str) -> Option<String> {
    let line = manifest.lines().find_map(|line| line.trim().strip_prefix("name"))?;
    let value = line.trim_start().strip_prefix('=')?.trim();
    Some(value.trim_matches(['"', '\'']).to_owned())
}

/// C#: its project, or one made for the file; by Mono where there is no .NET.
pub fn csharp(source: &Source<'_>) -> Result<Recipe, NoTool> {
    match (DOTNET.find(), MCS.find(), MONO.find()) {
        (Ok(dotnet), ..) => Ok(by_dotnet(source, dotnet)),
        (_, Ok(mcs), Ok(mono)) => Ok(by_mono(source, mcs, mono)),
        (Err(lacking), ..) => Err(lacking),
    }
}

/// The file with those of its folder that have no program of their own, else alone.
fn by_mono(source: &Source<'_>, mcs: String, mono: String) -> Recipe {
    let out = format!("{OUT}/{}.exe", slug(source.file));
    let run = Run::Command(vec![mono, "--debug".to_owned(), out.clone()]);
    let way = |shared: Vec<String>| {
        let command = [vec![mcs.clone()], words(&["-debug", "-nologo"]), vec![format!("-out:{out}")]].concat();
        let command = [command, vec![source.file.to_string()], shared].concat();
        build(Utf8Path::new(""), vec![command], run.clone())
    };
    let others = source.siblings(&["cs"]).into_iter().filter(|name| {
        let text = without_comments(&source.text_of(name));
        !tokens(&text).any(|word| word == "Main")
    });
    let shared: Vec<String> = others.map(|name| source.folder().join(name).into_string()).collect();
    let builds = if shared.is_empty() { vec![way(shared)] } else { vec![way(shared), way(Vec::new())] };
    Recipe { builds, run: Vec::new() }
}

fn by_dotnet(source: &Source<'_>, dotnet: String) -> Recipe {
    let out = format!("{OUT}/{}", slug(source.file));
    let project = format!("{out}/program.csproj");
    let up = "../".repeat(Utf8Path::new(&out).components().count());
    let text = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\">\n<PropertyGroup><OutputType>Exe</OutputType>\
         <TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework>\
         <EnableDefaultCompileItems>false</EnableDefaultCompileItems><ImplicitUsings>enable</ImplicitUsings>\
         </PropertyGroup>\n<ItemGroup><Compile Include=\"{up}{}\"/></ItemGroup>\n</Project>\n",
        source.file
    );
    let place = format!("{out}/bin");
    let command = [vec![dotnet.clone()], words(&["build", "--nologo", "-o", &place, &project])].concat();
    let run = Run::Command(vec![dotnet, format!("{place}/program.dll")]);
    let mut build = build(Utf8Path::new(""), vec![command], run);
    build.env = vec![("DOTNET_CLI_TELEMETRY_OPTOUT".to_owned(), "1".to_owned())];
    build.files = vec![(project, text)];
    Recipe { builds: vec![build], run: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_with_main_is_found() {
        for (text, wanted) in [
            ("public class A { public static void main(String[] a) {} }", Some("A")),
            (
                "class Helper { void main() {} }\nclass B { int x = f('{'); public static void main(String... a) {} }",
                Some("B"),
            ),
            (
                "/* class Z { static void main( */ class A { static class In { static void main(String[] a) {} } }",
                Some("A$In"),
            ),
            ("class A { String s = \"class B {\"; } class C { static void main(String[] a) { } }", Some("C")),
            ("class A { void f() {} }", None),
        ] {
            assert_eq!(main_class(text, Role::TcpClient).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn of_several_classes_with_main_the_role_has_its_own() {
        let class = |name: &str| format!("class {name} {{ public static void main(String[] a) {{ }} }}\n");
        let text = |names: &[&str]| names.iter().map(|name| class(name)).collect::<String>();
        for (names, role, wanted) in [
            (&["TCPClient", "TCPServer"][..], Role::TcpServer, "TCPServer"),
            (&["Client", "Server"], Role::UdpServer, "Server"),
            (&["UDPServer", "Lab"], Role::TcpServer, "Lab"),
            (&["One", "Two"], Role::TcpServer, "One"),
        ] {
            assert_eq!(main_class(&text(names), role).as_deref(), Some(wanted), "{names:?}");
        }
    }

    #[test]
    fn a_package_stands_below_a_root() {
        assert_eq!(package_of("// package no;\npackage de.uni . net;\nclass A {}").as_deref(), Some("de.uni.net"));
        assert_eq!(package_of("class A {}"), None);
        assert_eq!(source_root(Utf8Path::new("src/de/uni"), Some("de.uni")), "src");
        assert_eq!(source_root(Utf8Path::new("de/uni"), Some("de.uni")), "");
        assert_eq!(source_root(Utf8Path::new("lab"), Some("de.uni")), "lab");
        assert_eq!(source_root(Utf8Path::new("lab"), None), "lab");
    }
}
