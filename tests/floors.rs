//! The house: a module imports only from floors below its own (the table in `src/lib.rs`), `unsafe`
//! has one place, and nothing prints but the command line and the reports.
//!
//! Read as text, without macros expanded: comments, strings and test code are taken out first, and
//! paths that begin with `crate`, `self` or `super` are followed to the module that they name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The floors, lowest first.
const FLOORS: [&[&str]; 7] = [
    &["text", "span", "ids", "roster", "event", "sys"],
    &["spec", "sandbox", "peer", "observe"],
    &["plan", "program"],
    &["runner", "judge"],
    &["worker"],
    &["batch", "report"],
    &["cli", "main"],
];

/// Who may import from its own floor, and what: facts are made of names and bytes; the binary is
/// nothing but a call of the command line.
const NEIGHBOURS: [(&str, &[&str]); 2] = [("event", &["ids", "text"]), ("main", &["cli"])];

/// What prints. (`cli` and `report` hand bytes to one place, and that writes them.)
const PRINTERS: [&str; 2] = ["cli", "report"];

/// What may hold `unsafe`.
const UNSAFE: &str = "sys";

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn may_import(from: &str, to: &str) -> bool {
    let (Some(from_floor), Some(to_floor)) = (floor(from), floor(to)) else { return false };
    let neighbour = || NEIGHBOURS.iter().any(|(who, whom)| *who == from && whom.contains(&to));
    from == to || to_floor < from_floor || neighbour()
}

/// A file of the library, without what is no code.
struct Source {
    /// Relative to `src`, for messages.
    name: String,
    /// The modules that it is in, the outermost first.
    path: Vec<String>,
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    line: usize,
}

impl Source {
    fn top(&self) -> &str {
        self.path.first().map_or("main", String::as_str)
    }
}

/// All files of the library but its root, and the binary.
fn library() -> Vec<Source> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(sources())
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    let tests = test_files(&files);
    let live = files.into_iter().filter(|file| !tests.contains(file));
    live.filter(|file| !file.ends_with("src/lib.rs")).map(|file| source(&file)).collect()
}

fn source(file: &Path) -> Source {
    let name = file.strip_prefix(sources()).unwrap().with_extension("");
    let mut path: Vec<String> = name.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let tokens = without_tests(&tokens(&text));
    Source { name: format!("src/{}.rs", name.display().to_string().replace('\\', "/")), path, tokens }
}

/// Files whose `mod` line stands under `#[cfg(test)]`, or under `cfg(all(test, …))`.
fn test_files(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for file in files {
        let all = tokens(&std::fs::read_to_string(file).unwrap());
        let live: BTreeSet<String> = modules(&without_tests(&all)).into_iter().collect();
        for module in modules(&all).into_iter().filter(|module| !live.contains(module)) {
            let stem = file.file_stem().unwrap();
            let folder = if stem == "mod" || stem == "lib" || stem == "main" {
                file.parent().unwrap().to_owned()
            } else {
                file.with_extension("")
            };
            found.insert(folder.join(format!("{module}.rs")));
            found.insert(folder.join(module).join("mod.rs"));
        }
    }
    found
}

/// The names in `mod name;`.
fn modules(tokens: &[Token]) -> Vec<String> {
    tokens
        .windows(3)
        .filter(|three| three[0].text == "mod" && three[2].text == ";")
        .map(|three| three[1].text.clone())
        .collect()
}

/// Words, `::`, and all other characters one by one; without comments and the content of literals.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut here, mut line) = (0, 1);
    while here < chars.len() {
        let start = here;
        let c = at(here);
        if c == '/' && at(here + 1) == '/' {
            while here < chars.len() && at(here) != '\n' {
                here += 1;
            }
        } else if c == '/' && at(here + 1) == '*' {
            here = end_of_comment(&chars, here);
        } else if let Some(end) = end_of_raw_string(&chars, here) {
            here = end;
        } else if c == '"' {
            here = end_of_quoted(&chars, here, '"');
        } else if c == '\'' && (at(here + 1) == '\\' || at(here + 2) == '\'') {
            here = end_of_quoted(&chars, here, '\'');
        } else if c.is_alphanumeric() || c == '_' {
            while at(here).is_alphanumeric() || at(here) == '_' {
                here += 1;
            }
            found.push(Token { text: chars[start..here].iter().collect(), line });
        } else if c == ':' && at(here + 1) == ':' {
            here += 2;
            found.push(Token { text: "::".to_owned(), line });
        } else {
            here += 1;
            if !c.is_whitespace() {
                found.push(Token { text: c.to_string(), line });
            }
        }
        line += chars[start..here.min(chars.len())].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// Block comments nest.
fn end_of_comment(chars: &[char], start: usize) -> usize {
    let (mut depth, mut here) = (0, start);
    while here < chars.len() {
        match (chars[here], chars.get(here + 1)) {
            ('/', Some('*')) => (depth, here) = (depth + 1, here + 2),
            ('*', Some('/')) => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            return here;
        }
    }
    here
}

/// `r"…"`, `br#"…"#`, `cr"…"`; but not the `r` at the end of a word.
fn end_of_raw_string(chars: &[char], start: usize) -> Option<usize> {
    if start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_') {
        return None;
    }
    let mut here = start;
    if matches!(chars.get(here), Some('b' | 'c')) {
        here += 1;
    }
    if chars.get(here) != Some(&'r') {
        return None;
    }
    here += 1;
    let hashes = chars[here..].iter().take_while(|c| **c == '#').count();
    here += hashes;
    if chars.get(here) != Some(&'"') {
        return None;
    }
    here += 1;
    while here < chars.len() {
        let closes =
            chars[here] == '"' && chars[here + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closes {
            return Some(here + 1 + hashes);
        }
        here += 1;
    }
    Some(here)
}

fn end_of_quoted(chars: &[char], start: usize, quote: char) -> usize {
    let mut here = start + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            c if c == quote => return here + 1,
            _ => here += 1,
        }
    }
    here
}

/// What is not under a `#[cfg(test)]` or `#[test]`. Test code may import anything.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut here = 0;
    while here < tokens.len() {
        if tokens[here].text == "#" && tokens.get(here + 1).is_some_and(|next| next.text == "[") {
            let end = end_of_group(tokens, here + 1);
            if is_for_tests(&tokens[here + 2..end - 1]) {
                here = end_of_item(tokens, end);
                continue;
            }
        }
        kept.push(tokens[here].clone());
        here += 1;
    }
    kept
}

/// `test`, `cfg(test)` and `cfg(all(…, test, …))`; not `cfg(any(test, …))` or `cfg(not(test))`,
/// under which there is code that is no test.
fn is_for_tests(attribute: &[Token]) -> bool {
    let words: Vec<&str> = attribute.iter().map(|token| token.text.as_str()).collect();
    match words.as_slice() {
        ["test"] => true,
        ["cfg", "(", rest @ ..] => rest.contains(&"test") && !rest.contains(&"not") && !rest.contains(&"any"),
        _ => false,
    }
}

/// Behind the bracket that closes the one at `start`.
fn end_of_group(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Behind the item (or statement, or field) that begins here.
fn end_of_item(tokens: &[Token], start: usize) -> usize {
    let mut here = start;
    while here < tokens.len() {
        match tokens[here].text.as_str() {
            ";" | "," => return here + 1,
            "}" => return here,
            "{" => {
                let end = end_of_group(tokens, here);
                // `use a::{b, c};` goes on behind its braces.
                return if tokens.get(end).is_some_and(|next| next.text == ";") { end + 1 } else { end };
            }
            "(" | "[" => here = end_of_group(tokens, here),
            _ => here += 1,
        }
    }
    here
}

/// The modules of the crate's root that a file names: each with its line.
fn imports(source: &Source, known: &BTreeSet<String>) -> Vec<(String, usize)> {
    let tokens = &source.tokens;
    let mut found = Vec::new();
    // Modules in braces: their name, and the depth that they end at.
    let mut inner: Vec<usize> = Vec::new();
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate() {
        let before = |steps: usize| index.checked_sub(steps).map(|at| tokens[at].text.as_str());
        match token.text.as_str() {
            "{" => {
                depth += 1;
                if before(2) == Some("mod") {
                    inner.push(depth);
                }
            }
            "}" => {
                if inner.last() == Some(&depth) {
                    inner.pop();
                }
                depth -= 1;
            }
            "crate" | "super" | "self" | "sockspec" if before(1) != Some("::") => {
                let place = source.path.len() + inner.len();
                found.extend(named(tokens, index, place, known).into_iter().map(|module| (module, token.line)));
            }
            _ => {}
        }
    }
    found
}

/// The modules of the root that the path beginning at `start` leads to, from `place` modules deep.
fn named(tokens: &[Token], start: usize, place: usize, known: &BTreeSet<String>) -> Vec<String> {
    let mut height = match tokens[start].text.as_str() {
        "crate" | "sockspec" => 0,
        "super" => place.saturating_sub(1),
        _ => place,
    };
    let mut here = start + 1;
    while tokens.get(here).is_some_and(|token| token.text == "::")
        && tokens.get(here + 1).is_some_and(|token| token.text == "super")
    {
        height = height.saturating_sub(1);
        here += 2;
    }
    if height > 0 || tokens.get(here).is_none_or(|token| token.text != "::") {
        return Vec::new();
    }
    here += 1;
    let names = match tokens.get(here).map(|token| token.text.as_str()) {
        Some("{") => heads(tokens, here),
        Some(name) => vec![name.to_owned()],
        None => Vec::new(),
    };
    names.into_iter().filter(|name| known.contains(name) || name == "*").collect()
}

/// The first word of each path in a group.
fn heads(tokens: &[Token], open: usize) -> Vec<String> {
    let end = end_of_group(tokens, open);
    let mut heads = Vec::new();
    let mut here = open + 1;
    while here < end - 1 {
        heads.push(tokens[here].text.clone());
        while here < end - 1 && tokens[here].text != "," {
            here = if tokens[here].text == "{" { end_of_group(tokens, here) } else { here + 1 };
        }
        here += 1;
    }
    heads
}

fn known() -> BTreeSet<String> {
    FLOORS.iter().flat_map(|floor| floor.iter().map(|module| (*module).to_owned())).collect()
}

#[test]
fn every_module_has_a_floor() {
    let root = tokens(&std::fs::read_to_string(sources().join("lib.rs")).unwrap());
    let lost: Vec<String> = modules(&root).into_iter().filter(|module| floor(module).is_none()).collect();
    assert!(lost.is_empty(), "{lost:?} stand in no row of the table");
    let files: BTreeSet<String> = library().iter().map(|source| source.top().to_owned()).collect();
    let declared: BTreeSet<String> = modules(&root).into_iter().chain(["main".to_owned()]).collect();
    assert_eq!(files, declared, "files and the modules of lib.rs");
}

#[test]
fn the_table_in_the_librarys_documentation_is_this_one() {
    let text = std::fs::read_to_string(sources().join("lib.rs")).unwrap();
    let rows: BTreeMap<usize, BTreeSet<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter_map(|row| {
            let mut columns = row.split(" | ");
            let floor = columns.next()?.trim().parse().ok()?;
            let names = columns.next()?.split(',');
            Some((floor, names.map(|name| name.trim().trim_matches(['[', ']', '`']).to_owned()).collect()))
        })
        .collect();
    for (number, floor) in FLOORS.iter().enumerate() {
        let wanted: BTreeSet<String> =
            floor.iter().filter(|module| **module != "main").map(|module| (*module).to_owned()).collect();
        assert_eq!(rows.get(&number), Some(&wanted), "floor {number}");
    }
}

#[test]
fn a_module_imports_only_from_floors_below_its_own() {
    let known = known();
    let mut wrong = Vec::new();
    for source in library() {
        for (module, line) in imports(&source, &known) {
            if !may_import(source.top(), &module) {
                wrong.push(format!("{}:{line}: {} imports {module}", source.name, source.top()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_exception_is_left_that_nobody_needs() {
    let known = known();
    let used: BTreeSet<(String, String)> = library()
        .iter()
        .flat_map(|source| imports(source, &known).into_iter().map(|(module, _)| (source.top().to_owned(), module)))
        .collect();
    for (who, whom) in NEIGHBOURS {
        for module in whom {
            assert!(used.contains(&(who.to_owned(), (*module).to_owned())), "{who} does not import {module}");
        }
    }
}

#[test]
fn only_the_command_line_and_the_reports_print() {
    let macros = ["print", "println", "eprint", "eprintln", "dbg"];
    let mut wrong = Vec::new();
    for source in library().iter().filter(|source| !PRINTERS.contains(&source.top())) {
        for pair in source.tokens.windows(2) {
            if macros.contains(&pair[0].text.as_str()) && pair[1].text == "!" {
                wrong.push(format!("{}:{}: {}!", source.name, pair[0].line, pair[0].text));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_one_module_is_unsafe() {
    let mut holds = BTreeSet::new();
    for source in library() {
        for token in source.tokens.iter().filter(|token| token.text == "unsafe" || token.text == "unsafe_code") {
            assert!(source.top() == UNSAFE, "{}:{}: {}", source.name, token.line, token.text);
            holds.insert(source.name.clone());
        }
    }
    assert_eq!(holds.into_iter().collect::<Vec<_>>(), ["src/sys.rs"]);
}

/// What the reader of this file makes of a made-up one.
fn seen(path: &[&str], text: &str) -> Vec<String> {
    let tokens = without_tests(&tokens(text));
    let source = Source { name: String::new(), path: path.iter().map(|part| (*part).to_owned()).collect(), tokens };
    imports(&source, &known()).into_iter().map(|(module, _)| module).collect()
}

#[test]
fn imports_are_seen_in_every_form() {
    assert_eq!(seen(&["text"], "use crate::plan::model::Plan;"), ["plan"]);
    assert_eq!(seen(&["text"], "pub use crate::{cli, plan::{model, points}, ids::Role as R};"), ["cli", "plan", "ids"]);
    assert_eq!(seen(&["text"], "fn f() -> crate::judge::Verdict { crate::cli::run() }"), ["judge", "cli"]);
    assert_eq!(seen(&["text"], "use super::plan;"), ["plan"], "the root is above a module of the root");
    assert_eq!(seen(&["judge", "explain"], "use super::super::cli; use super::check;"), ["cli"]);
    assert_eq!(seen(&["cli", "grade"], "use super::judge; use self::plan;"), [""; 0], "its own modules");
    assert_eq!(
        seen(&["text"], "mod a { use super::cli; use super::super::worker; }\nuse super::ids;"),
        ["worker", "ids"]
    );
    assert_eq!(seen(&["text"], "use crate::*;"), ["*"]);
}

#[test]
fn comments_literals_and_test_code_import_nothing() {
    let nothing = [""; 0];
    assert_eq!(seen(&["text"], "//! crate::plan\n/* /* crate::plan */ crate::cli */ /// [x](crate::plan)\n"), nothing);
    assert_eq!(seen(&["text"], r####"let s = "crate::plan \" crate::cli"; let r = r#"" crate::cli"#;"####), nothing);
    assert_eq!(seen(&["text"], "let c = '\"'; let q = '\\''; let l: &'a str; // '\n"), nothing);
    assert_eq!(seen(&["text"], "#[cfg(test)] mod tests { use crate::cli; fn f() { {} } }"), nothing);
    assert_eq!(seen(&["text"], "#[cfg(all(test, unix))]\n#[allow(x)]\nmod tests { use crate::cli; }"), nothing);
    assert_eq!(seen(&["text"], "#[cfg(test)] use crate::{cli, plan}; #[test] fn f() { crate::cli::x() }"), nothing);
    assert_eq!(
        seen(&["text"], "#[cfg(test)] mod tests { use crate::cli; } use crate::plan;"),
        ["plan"],
        "what follows"
    );
    assert_eq!(seen(&["text"], "#[cfg(test)] mod tests; use crate::plan;"), ["plan"], "what follows");
    assert_eq!(seen(&["text"], "#[cfg(not(test))] use crate::plan;"), ["plan"], "this is no test");
    assert_eq!(seen(&["text"], "let c = '\"'; use crate::plan; let d = '\"';"), ["plan"], "a quote in a literal");
    assert_eq!(seen(&["text"], "fn f<'a>(x: &'a str) { crate::plan::x('b') }"), ["plan"], "a lifetime is no literal");
}
