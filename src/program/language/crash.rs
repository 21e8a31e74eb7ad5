//! The words of a crash: what stopped a program, and where in the student's file, from what its
//! runtime printed.

use super::{LANGUAGES, Language};

/// What stopped a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crash {
    /// `ValueError: not enough values`.
    pub error: String,
    /// `line 7 of server.py: x, y = f()`; empty where it is not known.
    pub place: String,
}

/// Finds the words of a crash, of whatever language, in what a program printed.
#[must_use]
pub fn find(printed: &str) -> Option<(&'static Language, Crash)> {
    LANGUAGES.iter().find_map(|language| Some((language, (language.crash)(printed)?)))
}

/// For languages whose programs die without a word.
pub fn none(_printed: &str) -> Option<Crash> {
    None
}

fn crash(error: &str, place: Option<String>) -> Option<Crash> {
    Some(Crash { error: error.trim().to_owned(), place: place.unwrap_or_default() })
}

/// `line 7 of server.py`, without the folders.
fn place(file: &str, line: &str) -> Option<String> {
    let number: String = line.chars().take_while(char::is_ascii_digit).collect();
    let name = file.rsplit('/').next().unwrap_or(file);
    (!number.is_empty()).then(|| format!("line {number} of {name}"))
}

/// `…/file.ext:12…`, the file being one of the student's.
fn place_in(text: &str, ending: &str, library: &[&str]) -> Option<String> {
    text.split_whitespace().find_map(|word| {
        let (file, rest) = word.split_once(&format!("{ending}:"))?;
        let file = file.trim_start_matches(['(', '\'', '"']).trim_start_matches("file://");
        let foreign = library.iter().any(|part| file.contains(part));
        place(&format!("{file}{ending}"), rest).filter(|_| !foreign)
    })
}

/// A traceback of Python's.
pub fn python(text: &str) -> Option<Crash> {
    let start = text.rfind("Traceback (most recent call last)").or_else(|| text.rfind("  File \""))?;
    let lines: Vec<&str> = text[start..].lines().collect();
    let error = lines.iter().rev().find(|line| is_exception(line))?;
    let mut found = String::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((file, rest)) = line.trim_start().strip_prefix("File \"").and_then(|rest| rest.split_once('"')) else {
            continue;
        };
        // The library's own lines say nothing to a student, once there is a line of theirs.
        let library = file.contains("/lib/python") || file.starts_with('<');
        if library && !found.is_empty() {
            continue;
        }
        let number = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
        let source = lines.get(index + 1).map_or("", |line| line.trim());
        found = place(file, number).unwrap_or_default();
        if !source.is_empty() && !is_exception(source) {
            found.push_str(&format!(": `{source}`"));
        }
    }
    crash(error, Some(found))
}

fn is_exception(line: &str) -> bool {
    let name = line.split([':', ' ']).next().unwrap_or_default();
    !name.is_empty()
        && !line.starts_with(' ')
        && name.rsplit('.').next().is_some_and(|last| {
            last.ends_with("Error")
                || last.ends_with("Exception")
                || matches!(
                    last,
                    "KeyboardInterrupt"
                        | "error"
                        | "timeout"
                        | "gaierror"
                        | "herror"
                        | "TimeoutExpired"
                        | "StopIteration"
                )
        })
}

/// What Java's launcher says where a class cannot be started.
const NO_MAIN: [&str; 2] = ["Error: Could not find or load main class", "Error: Main method not found in class"];

/// A stack trace of Java's.
pub fn java(text: &str) -> Option<Crash> {
    // What starts a program says by itself what it lacks to be one.
    let launcher = text.lines().find(|line| NO_MAIN.iter().any(|words| line.starts_with(words)));
    if let Some(line) = launcher {
        let words = line.trim_start_matches("Error: ").split([',', ':']).next().unwrap_or(line);
        return crash(words, None);
    }
    const LIBRARY: [&str; 6] = ["at java.", "at javax.", "at sun.", "at jdk.", "at java.base/", "at com.sun."];
    if !text.contains(".java:") && !text.contains("Exception in thread \"") {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let frames = lines.iter().position(|line| line.trim_start().starts_with("at ") && line.contains('('))?;
    let error = lines[..frames].iter().rev().find(|line| line.contains("Exception") || line.contains("Error"))?;
    let error = match error.split_once("Exception in thread \"") {
        Some((_, rest)) => rest.split_once("\" ").map_or(rest, |(_, error)| error),
        None => error,
    };
    let of_student = lines[frames..].iter().map(|line| line.trim_start()).find(|line| {
        line.starts_with("at ") && line.contains(".java:") && !LIBRARY.iter().any(|library| line.starts_with(library))
    });
    let found = of_student.and_then(|line| {
        let (file, number) = line.rsplit_once('(')?.1.split_once(':')?;
        place(file, number)
    });
    crash(error, found)
}

/// What Node.js prints of an error that nothing caught.
pub fn node(text: &str) -> Option<Crash> {
    let lines: Vec<&str> = text.lines().collect();
    let index = lines
        .iter()
        .position(|line| is_exception(line) && lines.iter().any(|frame| frame.trim_start().starts_with("at ")))?;
    let inner = ["node:", "internal/", "node_modules/"];
    let found = lines[index..]
        .iter()
        .filter(|line| line.trim_start().starts_with("at "))
        .chain(&lines[..index])
        .find_map(|line| [".js", ".mjs", ".cjs", ".ts"].iter().find_map(|ending| place_in(line, ending, &inner)));
    // A syntax error has its place above.
    crash(lines[index], found)
}

/// A panic of Go's.
pub fn go(text: &str) -> Option<Crash> {
    let start = text.rfind("panic: ").filter(|at| *at == 0 || text[..*at].ends_with('\n'))?;
    let error = text[start..].lines().next()?;
    let inner = ["/usr/", "/src/runtime/", "/src/net/"];
    crash(error, text[start..].lines().find_map(|line| place_in(line, ".go", &inner)))
}

/// A panic of Rust's.
pub fn rust(text: &str) -> Option<Crash> {
    let line = text.lines().find(|line| line.starts_with("thread '") && line.contains("panicked at"))?;
    let (_, rest) = line.split_once("panicked at ")?;
    let found = place_in(rest, ".rs", &["/rustc/", "/library/"]);
    let error = match rest.strip_prefix('\'').and_then(|rest| rest.rsplit_once("', ")) {
        Some((message, _)) => message.to_owned(),
        // Since 1.73 the message stands in the next line.
        None => text.split_once(line)?.1.lines().nth(1).unwrap_or_default().to_owned(),
    };
    crash(&format!("panicked: {error}"), found)
}

/// An exception of Ruby's.
pub fn ruby(text: &str) -> Option<Crash> {
    text.lines().find_map(|line| {
        let (file, rest) = line.split_once(".rb:")?;
        let (number, rest) = rest.split_once(":in ")?;
        let (_, error) = rest.split_once(": ")?;
        (error.ends_with(')') && error.contains('(')).then_some(())?;
        crash(error, place(&format!("{file}.rb"), number))
    })
}

/// What `die` prints in Perl.
pub fn perl(text: &str) -> Option<Crash> {
    text.lines().rev().find_map(|line| {
        let (error, rest) = line.rsplit_once(" at ")?;
        let (file, number) = rest.split_once(" line ")?;
        crash(error, Some(place(file, number)?))
    })
}

/// An exception of .NET's that nothing caught.
pub fn csharp(text: &str) -> Option<Crash> {
    // .NET has it in one line, Mono in two.
    let (_, rest) = text.split_once("Unhandled exception. ").or_else(|| text.split_once("Unhandled Exception:\n"))?;
    let found = rest.lines().find_map(|line| {
        let behind = line.split_once(" in ")?.1;
        let (file, number) = behind.rsplit_once(":line ").or_else(|| behind.rsplit_once(':'))?;
        place(file, number)
    });
    crash(rest.lines().next()?, found)
}

/// What the usual exceptions of this lab mean, in Python.
pub const PYTHON: &[(&str, &str)] = &[
    ("a bytes-like object is required", "A socket sends bytes, not text: call encode() on what you send."),
    ("can only concatenate str", "You joined text and bytes: decode() what you received first."),
    ("must be str, not bytes", "You joined text and bytes: decode() what you received first."),
    ("ConnectionRefusedError", "Nobody listened at that address, port and transport."),
    ("ConnectionResetError", "The other side reset the connection; catch this and go on."),
    ("BrokenPipeError", "You sent on a connection that the other side had closed."),
    ("PermissionError", "Ports below 1024 are for the administrator."),
    ("EOFError", "input() met the end of the program's input: it asked for more lines than the lab has."),
    (
        "AF_INET address must be tuple",
        "An address is one argument, a pair: (host, port), with two pairs of parentheses.",
    ),
    ("takes exactly one argument", "An address is one argument, a pair: (host, port), with two pairs of parentheses."),
    (
        "'builtin_function_or_method' object has no attribute",
        "Parentheses are missing: upper and decode name functions, upper() and decode() call them.",
    ),
    ("can't start new thread", "It has as many processes and threads as it may have."),
    (
        "BlockingIOError: [Errno 11]",
        "A non-blocking socket had nothing yet, or there are as many processes as there may be.",
    ),
    ("Too many open files", "It has as many descriptors open as it may have; close() what is done with."),
    ("No space left on device", "It has written as much as it may write."),
    ("File too large", "It has written a larger file than it may write."),
    ("Bad file descriptor", "The socket was closed before this line used it."),
    ("[Errno 22] Invalid argument", "accept() needs a socket on which listen() was called before."),
    ("Network is unreachable", "That address is not this machine's: here the server runs at localhost."),
    ("No route to host", "That address is not this machine's: here the server runs at localhost."),
    ("gaierror", "The host name could not be resolved."),
    ("NameError", "A name is used that was never defined; look for a typo or a missing import."),
    ("SyntaxError", "Python could not read the file at all; `python3 -m py_compile FILE` shows where."),
    ("IndentationError", "Python could not read the file at all; look at the indentation."),
    (
        "Transport endpoint is not connected",
        "You used the listening socket where the connection socket that accept() returned is meant.",
    ),
    ("timed out", "The socket has a timeout, and nothing caught what it raises."),
    ("TimeoutError", "The socket has a timeout, and nothing caught what it raises."),
];

/// In Java.
pub const JAVA: &[(&str, &str)] = &[
    ("main class", "No class of that file has a `public static void main(String[] args)`, which is what is started."),
    ("Main method not found", "It is `public static void main(String[] args)` that is started."),
    (
        "NullPointerException",
        "readLine() returns null when the other side has closed without a word: look for that before you use the line.",
    ),
    ("ConnectException", "Nobody listened at that address, port and transport."),
    ("Connection reset", "The other side reset the connection; catch this and go on."),
    ("Broken pipe", "You sent on a connection that the other side had closed."),
    ("SocketTimeoutException", "The socket has a timeout, and nothing caught what it throws."),
    ("ArrayIndexOutOfBoundsException", "It wants more arguments on its command line than it got."),
    ("NoClassDefFoundError", "A class is missing beside this one."),
    ("UnknownHostException", "The host name could not be resolved."),
];

/// In Go.
pub const GO: &[(&str, &str)] = &[
    ("nil pointer dereference", "An error was not looked at: what came with it is nil."),
    ("index out of range", "It wants more of something than there is: arguments, or bytes."),
];

/// In Rust.
pub const RUST: &[(&str, &str)] = &[
    ("ConnectionRefused", "Nobody listened at that address, port and transport."),
    ("ConnectionReset", "The other side reset the connection: match on the error instead of unwrap()."),
    ("Utf8Error", "The bytes were not UTF-8: String::from_utf8_lossy() takes them all the same."),
    ("stream did not contain valid UTF-8", "The bytes were not UTF-8: read them as bytes."),
];

/// In JavaScript.
pub const NODE: &[(&str, &str)] = &[
    ("ECONNREFUSED", "Nobody listened at that address, port and transport."),
    ("ECONNRESET", "The other side reset the connection: socket.on('error', …) catches that."),
    ("EPIPE", "You sent on a connection that the other side had closed."),
    ("ReferenceError", "A name is used that was never defined; look for a typo or a missing require()."),
];

/// In Ruby.
pub const RUBY: &[(&str, &str)] = &[
    ("ECONNREFUSED", "Nobody listened at that address, port and transport."),
    ("ECONNRESET", "The other side reset the connection: rescue that and go on."),
    ("NoMethodError", "gets returns nil when the other side has closed: look for that before you use it."),
];
