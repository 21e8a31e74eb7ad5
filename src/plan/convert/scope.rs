//! The values that templates can name, and templates as they are read under them.

use std::collections::BTreeMap;

use crate::plan::convert::letters::Letters;
use crate::plan::model::Dialect;
use crate::plan::settings;
use crate::plan::template::{Reference, Template};
use crate::span::{Mistake, Span, suggest};
use crate::spec::suite::{Name, Template as Written};

/// The most bytes that a text may come to: a `let` can double itself again and again.
const MOST_BYTES: u64 = 1024 * 1024;

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Under `let`: it may draw.
    Let,
    /// In a step.
    Step,
    /// In a check, with the peers that there are; `sent` where `{sent}` has a peer to be about.
    Check {
        /// All peers of the scenario.
        peers: &'a [&'a str],
        /// Whether the check is about peers.
        sent: bool,
    },
}

/// What can be named at a point of a scenario.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// The text of the suite.
    source: &'a str,
    /// The names of the properties, with what their texts are like.
    properties: Vec<(&'static str, Letters)>,
    /// Those of `let`, in the order in which each can be filled in.
    values: Vec<(String, Letters)>,
    /// Names that a `repeat` gave another value for a while.
    hidden: Vec<String>,
    udp_buffer: u32,
}

impl<'a> Scope<'a> {
    /// The properties alone.
    pub fn new(source: &'a str, dialect: &Dialect, port: u16) -> Self {
        let property = |text: &str| Letters::of(text);
        let properties = vec![
            ("port", property(&port.to_string())),
            ("end", property(dialect.end())),
            ("udp-buffer", property(&dialect.udp_buffer.to_string())),
        ];
        Self { source, properties, values: Vec::new(), hidden: Vec::new(), udp_buffer: dialect.udp_buffer }
    }

    /// How many values of `let` there are: what [`Self::leave`] goes back to.
    pub fn depth(&self) -> usize {
        self.values.len()
    }

    /// Forgets the values of a `repeat`.
    pub fn leave(&mut self, depth: usize) {
        self.values.truncate(depth);
    }

    /// What is known of a value's letters.
    pub fn letters(&self, name: &str) -> Letters {
        let values = self.values.iter().rev().map(|(known, letters)| (known.as_str(), *letters));
        let properties = self.properties.iter().copied();
        values.chain(properties).find(|(known, _)| *known == name).map_or(Letters::default(), |(_, letters)| letters)
    }

    fn names(&self) -> Vec<&str> {
        let values = self.values.iter().map(|(name, _)| name.as_str());
        values.chain(self.properties.iter().map(|(name, _)| *name)).collect()
    }

    /// Reads a template that stands there. An empty one where it is wrong.
    pub fn template(&self, written: &Written, place: Place<'_>, notes: &mut Vec<Mistake>) -> Template {
        let Some(template) = self.parse(written, notes) else { return Template::default() };
        let before = notes.len();
        if template.draws() && place != Place::Let {
            let span = self.within(written, "{nonce").or(self.within(written, "{letters")).unwrap_or(written.span);
            let help = "give it a name under `let`, so that checks can name it as well";
            notes.push(Mistake::new(span, "a draw can only stand under `let`").help(help));
        }
        for (reference, _) in template.references() {
            notes.extend(self.unknown(reference, written, place, &self.names()));
        }
        if notes.len() == before { template } else { Template::default() }
    }

    fn parse(&self, written: &Written, notes: &mut Vec<Mistake>) -> Option<Template> {
        let number = |name: &str| (name == "udp-buffer").then_some(self.udp_buffer);
        match Template::parse_with(&written.value, &number) {
            Ok(template) => Some(template),
            Err(error) => {
                let span = self.part(written, error.at, error.end);
                notes.push(Mistake { help: error.help, ..Mistake::new(span, error.message) });
                None
            }
        }
    }

    /// What is wrong with a reference that stands there, if something is.
    fn unknown(&self, name: &Reference, written: &Written, place: Place<'_>, names: &[&str]) -> Option<Mistake> {
        let (wrong, help) = match (name, place) {
            (Reference::Value(name), _) if !names.contains(&name.as_str()) => {
                let span = self.within(written, &format!("{{{name}")).unwrap_or(written.span);
                let mistake = Mistake::new(span, format!("nothing has the name `{name}` here"));
                return Some(Mistake { help: suggest(name, names), ..mistake });
            }
            (Reference::Value(name), Place::Check { .. }) if self.hidden.contains(name) => {
                let span = self.within(written, &format!("{{{name}")).unwrap_or(written.span);
                let message = format!("`{name}` has another value in a `repeat`, which no check sees");
                return Some(Mistake::new(span, message).help("give the two different names, or write `{sent}`"));
            }
            (Reference::SentBy(peer), Place::Check { peers, .. }) if !peers.contains(&peer.as_str()) => {
                let span = self.within(written, &format!("{{{peer}")).unwrap_or(written.span);
                let mistake = Mistake::new(span, format!("no step opens a peer `{peer}`"));
                return Some(Mistake { help: suggest(peer, peers), ..mistake });
            }
            (Reference::Sent, Place::Check { sent: false, .. }) => {
                ("`{sent}` is what a peer sent, and this is about no peer", "name it: `{alice.sent}`")
            }
            (Reference::Sent | Reference::SentBy(_), Place::Let | Place::Step) => {
                ("`{sent}` can only stand in a check", "give the text a name under `let`")
            }
            _ => return None,
        };
        let span = self.within(written, "sent").unwrap_or(written.span);
        Some(Mistake::new(span, wrong).help(help))
    }

    /// Where a piece of text first stands in a template.
    fn within(&self, written: &Written, piece: &str) -> Option<Span> {
        let at = written.value.find(piece)?;
        let brace = usize::from(piece.starts_with('{'));
        Some(self.part(written, at + brace, at + piece.len()))
    }

    /// The bytes of the file that a part of a text stands in: the whole text's where it is written
    /// with escapes or over several lines.
    fn part(&self, written: &Written, at: usize, end: usize) -> Span {
        let raw = self.source.get(written.span.start..written.span.end).unwrap_or_default();
        let quote = usize::from(raw.starts_with(['"', '\'']));
        if raw.get(quote..).is_some_and(|rest| rest.starts_with(written.value.as_str())) {
            let start = written.span.start + quote;
            return Span { start: start + at, end: start + end };
        }
        written.span
    }

    /// Takes in the values of a `let`, and puts them in an order in which each can be filled in.
    pub fn enter(&mut self, written: &BTreeMap<Name, Written>, notes: &mut Vec<Mistake>) -> Vec<(String, Template)> {
        for name in written.keys() {
            self.new_name(name, notes);
        }
        let known: Vec<&str> = self.names().into_iter().chain(written.keys().map(|name| name.value.as_str())).collect();
        let mut waiting: Vec<(&Name, Template)> = Vec::new();
        for (name, text) in written {
            let template = self.parse(text, notes).unwrap_or_default();
            let wrong: Vec<Mistake> = template
                .references()
                .filter_map(|(reference, _)| self.unknown(reference, text, Place::Let, &known))
                .collect();
            waiting.push((name, if wrong.is_empty() { template } else { Template::default() }));
            notes.extend(wrong);
        }
        let mut order = Vec::new();
        while let Some(next) = waiting.iter().position(|(_, template)| ready(template, &waiting)) {
            let (name, template) = waiting.remove(next);
            let letters = Letters::of_template(&template, |reference| self.referred(reference));
            if letters.bytes > MOST_BYTES {
                notes.push(Mistake::new(name.span, format!("`{}` comes to more than 1 MiB", name.value)));
            }
            self.values.push((name.value.clone(), letters));
            order.push((name.value.clone(), template));
        }
        circles(&waiting, notes);
        // What stands in a circle has a name all the same: no mistake follows from another.
        self.values.extend(waiting.iter().map(|(name, _)| (name.value.clone(), Letters::any())));
        order
    }

    fn referred(&self, reference: &Reference) -> Letters {
        if let Reference::Value(name) = reference { self.letters(name) } else { Letters::default() }
    }

    /// Whether a value can have this name.
    fn new_name(&mut self, name: &Name, notes: &mut Vec<Mistake>) {
        if self.properties.iter().any(|(known, _)| *known == name.value)
            || matches!(name.value.as_str(), "sent" | "nonce")
        {
            notes.push(
                Mistake::new(name.span, format!("`{}` has a meaning already", name.value)).help("choose another name"),
            );
        } else {
            if self.values.iter().any(|(known, _)| *known == name.value) {
                self.hidden.push(name.value.clone());
            }
            settings::name(&name.value, name.span, "a value's name", notes);
        }
    }
}

impl Letters {
    /// Of a text of which nothing is known.
    pub(super) fn any() -> Self {
        Self { lower: true, upper: true, beyond: true, bytes: 0 }
    }
}

/// The values that a template names.
fn needs(template: &Template) -> impl Iterator<Item = &str> {
    template.references().filter_map(|(reference, _)| match reference {
        Reference::Value(name) => Some(name.as_str()),
        _ => None,
    })
}

/// Whether nothing that a template names is still waiting.
fn ready(template: &Template, waiting: &[(&Name, Template)]) -> bool {
    needs(template).all(|need| waiting.iter().all(|(name, _)| name.value != need))
}

/// Notes each value that needs itself, by whatever way.
fn circles(waiting: &[(&Name, Template)], notes: &mut Vec<Mistake>) {
    for (name, template) in waiting {
        let mut seen: Vec<&str> = needs(template).collect();
        let mut next = 0;
        while let Some(step) = seen.get(next).copied() {
            let more = waiting.iter().filter(|(name, _)| name.value == step).flat_map(|(_, template)| needs(template));
            for need in more {
                if !seen.contains(&need) {
                    seen.push(need);
                }
            }
            next += 1;
        }
        if seen.contains(&name.value.as_str()) {
            let message = format!("`{}` needs itself to be filled in", name.value);
            notes.push(Mistake::new(name.span, message).help("break the circle: write one of its values out"));
        }
    }
}
