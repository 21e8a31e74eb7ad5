//! The table: one entry a language. To add a language is to add an entry.

use super::crash;
use super::recipes;
use super::tools::Tool;
use super::{Language, source};
use crate::observe::Runtime;

/// Interpreters and compilers, best names first.
pub const PYTHON: Tool = Tool {
    verb: "run",
    names: if cfg!(windows) { &["python3", "python"] } else { &["python3"] },
    tells_path: &["-I", "-c", "import sys; print(sys.executable)"],
};
pub const PYTHON_2: Tool = Tool {
    verb: "run",
    names: &["python2", "python2.7"],
    tells_path: &["-E", "-c", "import sys; assert sys.version_info[0] == 2; print(sys.executable)"],
};
pub const GCC: Tool = Tool { verb: "built", names: &["gcc", "cc", "clang"], tells_path: &[] };
pub const GXX: Tool = Tool { verb: "built", names: &["g++", "c++", "clang++"], tells_path: &[] };
pub const MAKE: Tool = Tool { verb: "built", names: &["make", "gmake"], tells_path: &[] };
pub const CMAKE: Tool = Tool { verb: "built", names: &["cmake"], tells_path: &[] };
pub const JAVAC: Tool = Tool { verb: "built", names: &["javac"], tells_path: &[] };
pub const JAVA: Tool = Tool { verb: "run", names: &["java"], tells_path: &[] };
pub const GO: Tool = Tool { verb: "built", names: &["go"], tells_path: &["env", "GOROOT"] };
pub const RUSTC: Tool = Tool { verb: "built", names: &["rustc"], tells_path: &["--print", "sysroot"] };
pub const NODE: Tool = Tool { verb: "run", names: &["node", "nodejs"], tells_path: &["-p", "process.execPath"] };
pub const ESBUILD: Tool = Tool { verb: "built", names: &["esbuild"], tells_path: &[] };
pub const TYPESCRIPT: Tool = Tool { verb: "run", names: &["tsx", "ts-node", "bun"], tells_path: &[] };
pub const RUBY: Tool = Tool { verb: "run", names: &["ruby"], tells_path: &["-e", "puts Gem.ruby"] };
pub const PERL: Tool = Tool { verb: "run", names: &["perl"], tells_path: &["-e", "print $^X"] };
pub const DOTNET: Tool = Tool { verb: "built", names: &["dotnet"], tells_path: &[] };
pub const MCS: Tool = Tool { verb: "built", names: &["mcs"], tells_path: &[] };
pub const MONO: Tool = Tool { verb: "run", names: &["mono"], tells_path: &[] };
pub const SHELL: Tool = Tool { verb: "run", names: &["bash", "sh"], tells_path: &[] };

/// All of them.
pub const TOOLS: &[Tool] = &[
    PYTHON, PYTHON_2, GCC, GXX, MAKE, CMAKE, JAVAC, JAVA, GO, RUSTC, NODE, ESBUILD, TYPESCRIPT, RUBY, PERL, DOTNET,
    MCS, MONO, SHELL,
];

/// All languages that are known. Of several with the same endings, the first whose text it is.
pub const LANGUAGES: &[Language] = &[
    Language {
        name: "Python 2",
        extensions: &["py"],
        interpreters: &["python"],
        told_by: Some(source::is_python_2),
        install: "install Python 2 (it is in Debian up to 11: apt-get install python2), or hand in Python 3",
        recipe: |source| recipes::interpreted(&PYTHON_2, source),
        runtime: None,
        crash: crash::python,
        errors: crash::PYTHON,
    },
    Language {
        name: "Python",
        extensions: &["py", "pyw"],
        interpreters: &["python"],
        told_by: None,
        install: "install Python 3 (Debian, Ubuntu: apt-get install python3; macOS: brew install python3; \
                  Windows: winget install Python.Python.3.13)",
        recipe: |source| recipes::interpreted(&PYTHON, source),
        runtime: None,
        crash: crash::python,
        errors: crash::PYTHON,
    },
    Language {
        name: "C",
        extensions: &["c"],
        interpreters: &[],
        told_by: None,
        install: "install it (Debian, Ubuntu: apt-get install build-essential cmake)",
        recipe: recipes::c,
        runtime: None,
        crash: crash::none,
        errors: &[],
    },
    Language {
        name: "C++",
        extensions: &["cpp", "cc", "cxx", "c++"],
        interpreters: &[],
        told_by: None,
        install: "install it (Debian, Ubuntu: apt-get install build-essential cmake)",
        recipe: recipes::cpp,
        runtime: None,
        crash: crash::none,
        errors: &[],
    },
    Language {
        name: "Java",
        extensions: &["java"],
        interpreters: &[],
        told_by: None,
        install: "install a JDK (Debian, Ubuntu: apt-get install default-jdk-headless)",
        recipe: recipes::java,
        runtime: Some(Runtime {
            executables: &["java"],
            housekeeping: &[
                "VM Periodic Tas",
                "Monitor Deflati",
                "C1 CompilerThre",
                "C2 CompilerThre",
                "Common-Cleaner",
                "Sweeper thread",
                "Service Thread",
                "Signal Dispatch",
                "Reference Handl",
                "Finalizer",
                "Notification Th",
            ],
            stopping: &["VM Thread", "G1 ", "GC Thread", "ZWorker", "Shenandoah"],
            signals: &[],
        }),
        crash: crash::java,
        errors: crash::JAVA,
    },
    Language {
        name: "Go",
        extensions: &["go"],
        interpreters: &[],
        told_by: None,
        install: "install Go (Debian, Ubuntu: apt-get install golang-go)",
        recipe: recipes::go,
        // Its threads wait for each other without a limit, and its monitor sleeps longer and longer, up
        // to 10 ms at a time, until all are idle: then it waits as well.
        runtime: None,
        crash: crash::go,
        errors: crash::GO,
    },
    Language {
        name: "Rust",
        extensions: &["rs"],
        interpreters: &[],
        told_by: None,
        install: "install Rust (Debian, Ubuntu: apt-get install rustc cargo; or https://rustup.rs)",
        recipe: recipes::rust,
        runtime: None,
        crash: crash::rust,
        errors: crash::RUST,
    },
    Language {
        name: "JavaScript",
        extensions: &["js", "mjs", "cjs"],
        interpreters: &["node", "nodejs"],
        told_by: None,
        install: "install Node.js (Debian, Ubuntu: apt-get install nodejs)",
        recipe: |source| recipes::interpreted(&NODE, source),
        runtime: None,
        crash: crash::node,
        errors: crash::NODE,
    },
    Language {
        name: "TypeScript",
        extensions: &["ts", "mts"],
        interpreters: &["tsx"],
        told_by: None,
        install: "install what runs it (Debian, Ubuntu: apt-get install esbuild nodejs; elsewhere: npm install -g tsx)",
        recipe: recipes::typescript,
        runtime: None,
        crash: crash::node,
        errors: crash::NODE,
    },
    Language {
        name: "C#",
        extensions: &["cs"],
        interpreters: &[],
        told_by: None,
        install: "install the .NET SDK (https://dotnet.microsoft.com/download) or Mono (Debian, Ubuntu: apt-get install mono-mcs)",
        recipe: recipes::csharp,
        runtime: Some(Runtime {
            executables: &[],
            housekeeping: &[
                ".NET TP Gate",
                ".NET Tiered Com",
                ".NET Finalizer",
                ".NET SynchManag",
                ".NET EventPipe",
                ".NET SigHandler",
            ],
            stopping: &[".NET BGC", ".NET Server GC"],
            signals: &[],
        }),
        crash: crash::csharp,
        errors: &[],
    },
    Language {
        name: "Ruby",
        extensions: &["rb"],
        interpreters: &["ruby"],
        told_by: None,
        install: "install Ruby (Debian, Ubuntu: apt-get install ruby)",
        recipe: |source| recipes::interpreted(&RUBY, source),
        // It switches between threads by a POSIX timer that sends SIGVTALRM, and catches SIGALRM.
        runtime: Some(Runtime { executables: &["ruby"], housekeeping: &[], stopping: &[], signals: &[14, 26] }),
        crash: crash::ruby,
        errors: crash::RUBY,
    },
    Language {
        name: "Perl",
        extensions: &["pl", "perl"],
        interpreters: &["perl"],
        told_by: None,
        install: "install Perl (Debian, Ubuntu: apt-get install perl)",
        recipe: |source| recipes::interpreted(&PERL, source),
        runtime: None,
        crash: crash::perl,
        errors: &[],
    },
    Language {
        name: "Shell",
        extensions: &["sh", "bash"],
        interpreters: &["sh", "bash", "dash"],
        told_by: None,
        install: "install bash",
        recipe: |source| recipes::interpreted(&SHELL, source),
        runtime: None,
        crash: crash::none,
        errors: &[],
    },
];
