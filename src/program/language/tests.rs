#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use super::crash::find;
use super::source::is_python_2;
use super::*;

fn name(file: &str) -> Option<&'static str> {
    Language::of(file).map(|language| language.name)
}

#[test]
fn a_language_is_told_by_the_ending() {
    assert_eq!(name("a/UDPServer.PY"), Some("Python"));
    assert_eq!(name("a/UDPServer.java"), Some("Java"));
    assert_eq!(name(".py"), None);
    assert_eq!(name("a.b/py"), None);
}

#[test]
fn python_2_is_told_by_the_text() {
    for text in [
        "print 'x'",
        "while 1:\n    print x, y",
        "print >>sys.stderr, 'x'",
        "if x: print \"y\"",
        "try:\n  f()\nexcept IOError, e:\n  pass",
        "try:\n  f()\nexcept (IOError, OSError), e:\n  pass",
        "x = raw_input('Input lowercase sentence:')",
        "print\"x\"",
    ] {
        assert!(is_python_2(text), "{text}");
    }
    for text in [
        "print('x')",
        "print ('x', y)",
        "print ()",
        "\"\"\"\nprint x\n\"\"\"",
        "# print x",
        "try: input = raw_input\nexcept NameError: pass\nx = raw_input()",
        "except (A, B) as e:",
        "s = 'use: print it'",
        "x = input('sentence:')  # was raw_input() in Python 2",
        "try:\n  f()\nexcept ValueError, OSError:\n  pass",
        "printer = 1",
        "fingerprint in x",
    ] {
        assert!(!is_python_2(text), "{text}");
    }
}

#[test]
fn a_script_is_told_by_its_first_line() {
    let of = |text: &str| Language::of_script(text).map(|language| language.name);
    assert_eq!(of("#!/usr/bin/env python3\n"), Some("Python"));
    assert_eq!(of("#!/usr/bin/python2.7 -u\nprint 1\n"), Some("Python 2"));
    assert_eq!(of("#!/usr/bin/perl -w\n"), Some("Perl"));
    assert_eq!(of("#!/bin/sh\n"), Some("Shell"));
    assert_eq!(of("print(1)\n"), None);
}

#[test]
fn crashes_are_read_in_every_language() {
    for (language, text, error, place) in [
        (
            "Python 2",
            "Traceback (most recent call last):\n  File \"/a/UDPClient.py\", line 9, in <module>\n    main()\nValueError: no\n",
            "ValueError: no",
            "line 9 of UDPClient.py: `main()`",
        ),
        (
            "Java",
            "Exception in thread \"main\" java.net.BindException: Address already in use (Bind failed)\n\tat java.base/java.net.Socket.f(Socket.java:3)\n\tat TCPServer.main(TCPServer.java:12)\n",
            "java.net.BindException: Address already in use (Bind failed)",
            "line 12 of TCPServer.java",
        ),
        (
            "JavaScript",
            "node:events:495\n      throw er; // Unhandled 'error' event\n      ^\n\nError: bind EADDRINUSE 0.0.0.0:12000\n    at node:dgram:359:20\n    at Object.<anonymous> (/submission/UDPServer.js:4:8)\n",
            "Error: bind EADDRINUSE 0.0.0.0:12000",
            "line 4 of UDPServer.js",
        ),
        (
            "Go",
            "panic: runtime error: index out of range [1] with length 1\n\ngoroutine 1 [running]:\nmain.main()\n\t/submission/UDPClient.go:12 +0x1d\n",
            "panic: runtime error: index out of range [1] with length 1",
            "line 12 of UDPClient.go",
        ),
        (
            "Rust",
            "thread 'main' panicked at src/main.rs:5:10:\ncalled `Result::unwrap()` on an `Err` value: Os { code: 98 }\n",
            "panicked: called `Result::unwrap()` on an `Err` value: Os { code: 98 }",
            "line 5 of main.rs",
        ),
        (
            "Rust",
            "thread 'main' panicked at 'no luck', src/main.rs:5:10\nnote: run\n",
            "panicked: no luck",
            "line 5 of main.rs",
        ),
        (
            "Ruby",
            "UDPServer.rb:3:in `bind': Address already in use - bind(2) (Errno::EADDRINUSE)\n\tfrom UDPServer.rb:3:in `<main>'\n",
            "Address already in use - bind(2) (Errno::EADDRINUSE)",
            "line 3 of UDPServer.rb",
        ),
        (
            "Perl",
            "cannot bind: Address already in use at UDPServer.pl line 7.\n",
            "cannot bind: Address already in use",
            "line 7 of UDPServer.pl",
        ),
    ] {
        let (found, crash) = find(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((found.name, crash.error.as_str(), crash.place.as_str()), (language, error, place));
    }
    assert_eq!(find("HELLO WORLD\nlooking at you line by line\n"), None);
}
