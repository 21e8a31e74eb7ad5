//! Inputs that are nearly right: real ones with bytes changed, parts left out, doubled, moved, or taken from another.

use fastrand::Rng;

/// What has meant something to some reader.
const WORDS: [&[u8]; 40] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\x1b[2J",
    b"\xc2\x9b31m",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
    b"]]>",
    b"::error::x",
    b"##[error]",
    b"[[ATTACHMENT|/etc/passwd]]",
    b"<script>",
    b"\"",
    b"'",
    b"\\",
    b"`",
    b"{{",
    b"}",
    b"../",
    b"/",
    b"C:\\",
    b"=1+1",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"18446744073709551616",
    b"1e999",
    b"null",
    b"true",
    b"[",
    b"{",
    b"&a ",
    b"*a",
    b"!!binary ",
    b"<<: ",
    b"- ",
    b": ",
    b"{sentence|upper}",
];

/// Larger ones would be slow and no more telling.
const LARGEST: usize = 1 << 20;

/// One of the inputs, damaged once or several times.
pub fn damaged(corpus: &[Vec<u8>], chance: &mut Rng) -> Vec<u8> {
    let mut bytes = corpus[chance.usize(..corpus.len())].clone();
    for _ in 0..=chance.usize(..6) {
        once(&mut bytes, corpus, chance);
        bytes.truncate(LARGEST);
    }
    bytes
}

/// A piece of the bytes, mostly a short one.
fn piece(length: usize, chance: &mut Rng) -> std::ops::Range<usize> {
    let most = if chance.u8(..4) == 0 { length } else { length.min(40) };
    let size = chance.usize(..=most);
    let from = chance.usize(..=length - size);
    from..from + size
}

fn once(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], chance: &mut Rng) {
    let at = chance.usize(..=bytes.len());
    match chance.u8(..9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << chance.u8(..8),
        1 if at < bytes.len() => bytes[at] = chance.u8(..),
        2 => drop(bytes.drain(piece(bytes.len(), chance))),
        3 => bytes.truncate(at),
        4 => {
            let copy = bytes[piece(bytes.len(), chance)].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => {
            let other = &corpus[chance.usize(..corpus.len())];
            let taken = other[piece(other.len(), chance)].to_vec();
            bytes.splice(at..at, taken);
        }
        6 => {
            // A line, or what is between two marks, in the place of another.
            let lines: Vec<&[u8]> = bytes.split(|byte| b"\n,{}".contains(byte)).collect();
            let line = lines[chance.usize(..lines.len())].to_vec();
            bytes.splice(at..at, line);
        }
        7 => {
            let times = 1 << chance.u8(..12);
            let byte = chance.u8(..);
            bytes.splice(at..at, std::iter::repeat_n(byte, times));
        }
        _ => {
            let word = WORDS[chance.usize(..WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
    }
}
