//! The checks of a scenario.

use crate::ids::RequirementId;
use crate::plan::convert::Settings;
use crate::plan::convert::letters::Letters;
use crate::plan::convert::peers::Kind;
use crate::plan::convert::requirement;
use crate::plan::convert::scenario::{Moments, Scene};
use crate::plan::convert::scope::Place;
use crate::plan::model::{self, Many, Predicate, TextIs, Window};
use crate::plan::template::{Filter, Piece, Reference, Template};
use crate::span::{Mistake, Span, suggest};
use crate::spec::placed::{Part, Placed};
use crate::spec::suite::{self, Check, Name, ProgramIs, Template as Written};

/// All checks of a scenario that the dialect does not rule out.
pub(super) fn all(scene: &mut Scene<'_>, checks: &[Part<Placed<Check>>], settings: &Settings) -> Vec<model::Check> {
    let mut left = Vec::new();
    for check in checks.iter().filter_map(|part| part.0.as_ref()) {
        let converted = one(scene, &check.value, check.span);
        if settings.match_when(check.when.as_ref()) {
            left.push(converted);
        }
    }
    left
}

fn one(scene: &mut Scene<'_>, check: &Check, span: Span) -> model::Check {
    if let Some(mistake) = requirement::unknown(scene.suite, &check.requirement) {
        scene.notes.push(mistake);
    }
    let window = window(scene, check);
    let mut predicates = peers(scene, check);
    if let Some(program) = &check.program {
        predicates.extend(self::program(scene, program, check.requirement.span));
    }
    if predicates.is_empty() && !asks_peers(check) && check.program.is_none() {
        let help = "say what must be true: `received`, `datagrams`, `ended`, …, or `program`";
        scene.notes.push(Mistake::new(span, "this check says nothing").help(help).if_whole());
    }
    model::Check { requirement: RequirementId(check.requirement.value.clone()), window, predicates }
}

/// Whether a check says something of peers.
fn asks_peers(check: &Check) -> bool {
    check.received.is_some()
        || check.first.is_some()
        || check.datagrams.is_some()
        || check.answered_from_there.is_some()
        || check.ended.is_some()
        || check.connections.is_some()
        || check.own_ports.is_some()
        || check.spoken_to_at.is_some()
}

fn window(scene: &mut Scene<'_>, check: &Check) -> Window {
    for mark in check.after.iter().chain(&check.before) {
        moment(mark, &scene.marks, &scene.looks, "mark", &mut scene.notes);
    }
    if let (Some(after), Some(before)) = (&check.after, &check.before)
        && scene.marks.has(&after.value)
        && scene.marks.has(&before.value)
        && !scene.marks.in_order(&after.value, &before.value)
    {
        let message = format!("nothing comes after `{}` and before `{}`", after.value, before.value);
        scene.notes.push(Mistake::new(before.span, message).help("`after` names the earlier of two marks"));
    }
    let text = |name: &Option<Name>| name.as_ref().map(|name| name.value.clone());
    Window { after: text(&check.after), before: text(&check.before) }
}

/// Notes a moment that no step names.
fn moment(name: &Name, known: &Moments, others: &Moments, step: &str, notes: &mut Vec<Mistake>) {
    if known.has(&name.value) {
        return;
    }
    let mut mistake = Mistake::new(name.span, format!("no step has `{step}: {}`", name.value)).if_whole();
    mistake.help = suggest(&name.value, &known.names());
    // A slip of the hand is one whatever else is wrong.
    mistake.if_whole = crate::span::nearest(&name.value, known.names()).is_none();
    if others.has(&name.value) {
        let other = if step == "mark" { "look" } else { "mark" };
        mistake.help = Some(format!("it is the name of a `{other}`; add a step `{step}` as well"));
    }
    notes.push(mistake);
}

/// What a check says of its peers.
fn peers(scene: &mut Scene<'_>, check: &Check) -> Vec<Predicate> {
    whom(scene, check);
    let place = check.requirement.span;
    let mut text = |is: &Option<suite::TextIs>| is.as_ref().map(|is| text_is(scene, is, &check.peers, true));
    let (received, first) = (text(&check.received), text(&check.first));
    let datagrams = check.datagrams.as_ref().map(|many| self::many(scene, many, true, place));
    let connections = check.connections.as_ref().map(|many| self::many(scene, many, false, place));
    let mut predicates = Vec::new();
    for name in &check.peers {
        let kinds = scene.peers.kinds(&name.value);
        if kinds.is_empty() {
            scene.notes.push(scene.peers.unknown(name, " in this scenario"));
            continue;
        }
        for (predicate, of) in said(&name.value, check, &received, &first, datagrams, connections) {
            wrong_kind(name, &kinds, of, &mut scene.notes);
            predicates.push(predicate);
        }
    }
    predicates
}

/// Notes a check that says something of nobody, or nothing of somebody.
fn whom(scene: &mut Scene<'_>, check: &Check) {
    let place = check.requirement.span;
    if check.peers.is_empty() && asks_peers(check) {
        let names = scene.peers.names().join(", ");
        let mistake = Mistake::new(place, "nothing says which peers this is about");
        scene.notes.push(mistake.help(format!("`peers: [{names}]`")));
    }
    if let (Some(first), false) = (check.peers.first(), asks_peers(check)) {
        let help = "say `received`, `datagrams`, `ended` …, or leave `peers` out";
        scene.notes.push(Mistake::new(first.span, "nothing is said of these peers").help(help).if_whole());
    }
    only_true("answered_from_there", check.answered_from_there, place, &mut scene.notes);
}

/// Of which kinds of peers something can be said, what others lack, and what to do.
type Of = (&'static [Kind], &'static str, &'static str);

const RECEIVES: Of =
    (&[Kind::Asker, Kind::Answerer, Kind::Stream], "receives nothing itself", "`accept` its connection");
const DATAGRAMS: Of = (&[Kind::Asker, Kind::Answerer], "has no datagrams", "say `received` of a stream");
const ASKS: Of = (&[Kind::Asker], "asks nothing by UDP", "it is said of a peer of `open`");
const ENDS: Of = (&[Kind::Stream], "has no stream that could end", "it is said of a peer of `connect` or `accept`");
const LISTENS: Of = (&[Kind::Listener], "does not listen", "it is said of a peer of `listen`");
const WAITS: Of = (&[Kind::Answerer, Kind::Listener], "waits for nobody", "it is said of a peer of `bind` or `listen`");

/// What is said of one peer, each with the kinds that it can be said of.
fn said(
    name: &str,
    check: &Check,
    received: &Option<TextIs>,
    first: &Option<TextIs>,
    datagrams: Option<Many>,
    connections: Option<Many>,
) -> Vec<(Predicate, Of)> {
    let peer = || name.to_owned();
    let mut said = Vec::new();
    said.extend(received.clone().map(|is| (Predicate::Received { peer: peer(), is }, RECEIVES)));
    said.extend(first.clone().map(|is| (Predicate::First { peer: peer(), is }, DATAGRAMS)));
    said.extend(datagrams.map(|many| (Predicate::Datagrams { peer: peer(), many }, DATAGRAMS)));
    said.extend(check.answered_from_there.map(|_| (Predicate::AnsweredFromThere { peer: peer() }, ASKS)));
    said.extend(check.ended.map(|how| (Predicate::Ended { peer: peer(), how }, ENDS)));
    said.extend(connections.map(|many| (Predicate::Connections { peer: peer(), many }, LISTENS)));
    said.extend(check.own_ports.map(|_| (Predicate::OwnPorts { peer: peer() }, WAITS)));
    said.extend(check.spoken_to_at.map(|_| (Predicate::AssignedPort { peer: peer() }, WAITS)));
    said
}

/// Notes a peer of which this cannot be said.
fn wrong_kind(name: &Name, kinds: &[Kind], (of, wrong, help): Of, notes: &mut Vec<Mistake>) {
    if let Some(kind) = kinds.first()
        && !kinds.iter().any(|kind| of.contains(kind))
    {
        let message = format!("`{}` is {} and {wrong}", name.value, kind.words());
        notes.push(Mistake::new(name.span, message).help(help));
    }
}

/// What a check says of the program.
fn program(scene: &mut Scene<'_>, program: &ProgramIs, place: Span) -> Vec<Predicate> {
    let mut said = Vec::new();
    said.extend(program.bound.map(|transport| Predicate::Bound { transport }));
    said.extend(program.running.map(Predicate::Running));
    said.extend(program.exits.map(Predicate::Exits));
    said.extend(program.printed.as_ref().map(|is| Predicate::Printed(text_is(scene, is, &[], false))));
    if let Some([first, second]) = &program.reads {
        looks(scene, first, second);
        said.push(Predicate::Reads { first: first.value.clone(), second: second.value.clone() });
    }
    if let Some([first, second]) = &program.descriptors_kept {
        looks(scene, first, second);
        said.push(Predicate::DescriptorsKept { first: first.value.clone(), second: second.value.clone() });
    }
    if let Some([first, second]) = &program.same_listener {
        looks(scene, first, second);
        said.push(Predicate::SameListener { first: first.value.clone(), second: second.value.clone() });
    }
    if program.running == Some(true) && program.exits.is_some() {
        let help = "leave out `running` or `exits`";
        scene.notes.push(Mistake::new(place, "a program that runs has not ended").help(help));
    }
    if said.is_empty() {
        let help = "say `bound`, `running`, `exits`, `printed`, `reads`, `descriptors_kept` or `same_listener`";
        scene.notes.push(Mistake::new(place, "nothing is said of the program").help(help).if_whole());
    }
    said
}

/// Notes what can only be said, not denied.
fn only_true(what: &str, said: Option<bool>, place: Span, notes: &mut Vec<Mistake>) {
    if said == Some(false) {
        notes.push(
            Mistake::new(place, format!("`{what}` can only be `true`")).help("leave it out where it does not matter"),
        );
    }
}

fn looks(scene: &mut Scene<'_>, first: &Name, second: &Name) {
    for look in [first, second] {
        moment(look, &scene.looks, &scene.marks, "look", &mut scene.notes);
    }
    if scene.looks.has(&first.value)
        && scene.looks.has(&second.value)
        && !scene.looks.in_order(&first.value, &second.value)
    {
        let message = format!("`{}` is not a look after `{}`", second.value, first.value);
        scene.notes.push(Mistake::new(second.span, message).help("the earlier of two looks comes first"));
    }
}

fn many(scene: &mut Scene<'_>, many: &suite::Many, datagrams: bool, place: Span) -> Many {
    match many {
        suite::Many::Exactly(number) => Many::Exactly(*number),
        suite::Many::AtLeast(number) => {
            if *number == 0 {
                scene.notes.push(Mistake::new(place, "`at-least: 0` is always true").help("1 or more"));
            }
            Many::AtLeast(*number)
        }
        suite::Many::AsSent => {
            if !datagrams {
                let help = "say `exactly` or `at-least`";
                scene.notes.push(Mistake::new(place, "`as-sent` counts datagrams, not connections").help(help));
            }
            Many::AsSent
        }
    }
}

/// What a text must be; `about` are the peers that `{sent}` can be of, where it can be.
fn text_is(scene: &mut Scene<'_>, is: &suite::TextIs, about: &[Name], sent: bool) -> TextIs {
    let mut template = |written: &Written, kind: Compares| {
        let names = scene.peers.names();
        let template = scene.scope.template(written, Place::Check { peers: &names, sent }, &mut scene.notes);
        empty(written, kind, &mut scene.notes);
        senders(scene, &template, written, about);
        if matches!(kind, Compares::Exactly | Compares::Within | Compares::Without) {
            capitals(scene, &template, written, about);
        }
        template
    };
    match is {
        suite::TextIs::Nothing => TextIs::Nothing,
        suite::TextIs::Something => TextIs::Something,
        suite::TextIs::Equals(text) => TextIs::Equals(template(text, Compares::Exactly)),
        suite::TextIs::Contains(text) => TextIs::Contains(template(text, Compares::Within)),
        suite::TextIs::ContainsAnyCase(text) => TextIs::ContainsAnyCase(template(text, Compares::AnyCase)),
        suite::TextIs::Lacks(text) => TextIs::Lacks(template(text, Compares::Without)),
        suite::TextIs::AsLongAs(text) => TextIs::AsLongAs(template(text, Compares::Length)),
        suite::TextIs::Matches(pattern) => {
            if let Err(error) = regex::bytes::Regex::new(&pattern.value) {
                scene.notes.push(regex_mistake(&error, pattern.span));
            }
            TextIs::Matches(pattern.value.clone())
        }
    }
}

/// How a check compares with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compares {
    Exactly,
    Within,
    AnyCase,
    Without,
    Length,
}

/// Notes a comparison with no text at all.
fn empty(written: &Written, kind: Compares, notes: &mut Vec<Mistake>) {
    if !written.value.is_empty() {
        return;
    }
    let (message, help) = match kind {
        Compares::Exactly | Compares::Length => {
            ("nothing is compared with here", "write `nothing` for no bytes at all")
        }
        Compares::Within | Compares::AnyCase => ("every text contains the empty one", "write what must be in it"),
        Compares::Without => ("no text lacks the empty one", "write what must not be in it, or `nothing`"),
    };
    notes.push(Mistake::new(written.span, message).help(help));
}

/// Notes `{sent}` of a peer that sends nothing.
fn senders(scene: &mut Scene<'_>, template: &Template, written: &Written, about: &[Name]) {
    for (reference, _) in template.references() {
        let names: Vec<&str> = match reference {
            Reference::Sent => about.iter().map(|name| name.value.as_str()).collect(),
            Reference::SentBy(peer) => vec![peer],
            Reference::Value(_) => continue,
        };
        for name in names {
            if !scene.peers.kinds(name).is_empty() && !scene.sent.contains_key(name) {
                let message = format!("`{name}` sends nothing in this scenario");
                scene.notes.push(Mistake::new(written.span, message).if_whole());
            }
        }
    }
}

/// Notes a comparison with capitals of a text that has no small letters.
fn capitals(scene: &mut Scene<'_>, template: &Template, written: &Written, about: &[Name]) {
    for piece in &template.0 {
        let Piece::Value { name, filters } = piece else { continue };
        let owners: Vec<Option<&str>> = match name {
            Reference::Sent => about.iter().map(|peer| Some(peer.value.as_str())).collect(),
            Reference::SentBy(peer) => vec![Some(peer)],
            Reference::Value(_) => vec![None],
        };
        for owner in owners {
            let mut letters = match (owner, name) {
                (Some(peer), _) => scene.sent.get(peer).copied().unwrap_or_else(Letters::any),
                (None, Reference::Value(name)) => scene.scope.letters(name),
                (None, _) => Letters::any(),
            };
            for filter in filters {
                let capitals = matches!(filter, Filter::Upper | Filter::UpperUnicode);
                // What the peers say counts too: a program that is sent capitals need only send them back.
                let said = |peer: &Name| scene.sent.get(&peer.value).is_none_or(|sent| sent.changed_by(*filter));
                if capitals && (!letters.changed_by(*filter) || !about.is_empty() && !about.iter().any(said)) {
                    let message = "this could not tell right from wrong: the text has no small letter to begin with";
                    let help = "draw some (`{nonce}`), or compare with the text itself";
                    scene.notes.push(Mistake::new(written.span, message).help(help).if_whole());
                    return;
                }
                letters = letters.filtered(*filter);
            }
        }
    }
}

/// What the compiler of regular expressions says in its last line.
fn regex_mistake(error: &regex::Error, span: Span) -> Mistake {
    let words = error.to_string();
    let line = words.lines().last().unwrap_or("it is not one").trim_start_matches("error: ");
    Mistake::new(span, format!("this regular expression cannot be used: {line}"))
}
