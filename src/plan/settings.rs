//! What a dialect and an assignment set, put over each other, and what is wrong in them.

use std::collections::BTreeMap;

use crate::ids::{Role, Transport};
use crate::plan::assignment::{Loaded, Resolved};
use crate::plan::convert::Settings;
use crate::plan::library::{AUTO, Choice, Library};
use crate::plan::model;
use crate::plan::points::Points;
use crate::span::{Mistake, Span, suggest};
use crate::spec::dialect::{Assignment, Dialect, Level, Properties, RequirementChange};
use crate::spec::node::{Kind, Node};

/// What the required requirements of a role add up to, where nothing is said.
const TOTAL: Points = Points(2500);

/// The port where neither a dialect nor a suite says one: the textbook's.
const PORT: u16 = 12_000;

/// A UDP program's buffer where a dialect does not say it: the textbook's.
const BUFFER: u32 = 2048;

/// The most that a UDP datagram can carry (over IPv4).
const DATAGRAM: u32 = 65_507;

/// More points than anybody gives: a slip of the hand.
const MOST_POINTS: f64 = 10_000.0;

/// What an assignment asks of the floors above.
pub(crate) fn resolved(dialect: &Dialect, choice: &Choice<'_>) -> Resolved {
    let nothing = Assignment::default();
    let written = choice.assignment.map_or(&nothing, |assignment| &assignment.written);
    let mut roles: Vec<Role> = match &written.roles {
        Some(roles) => roles.iter().map(|role| role.value).collect(),
        None => Role::ALL.to_vec(),
    };
    roles.sort_unstable();
    roles.dedup();
    let programs = written.programs.iter().filter_map(|(role, part)| Some((*role, part.0.clone()?)));
    Resolved {
        name: choice.assignment.map(|assignment| assignment.written.assignment.value.clone()),
        title: written.title.clone(),
        dialect: dialect.dialect.value.clone(),
        roles,
        programs: programs.collect(),
        hosts: written.hosts.clone(),
        limits: written.limits.clone(),
        show: written.show,
    }
}

/// Under what a role's suite is converted.
pub(crate) fn settings(dialect: &Dialect, role: Role, choice: &Choice<'_>) -> Settings {
    let nothing = Assignment::default();
    let written = choice.assignment.map_or(&nothing, |assignment| &assignment.written);
    let (base, over) = (&dialect.properties, &written.properties);
    let mut levels: BTreeMap<String, Level> =
        dialect.levels.iter().map(|(id, level)| (id.value.clone(), level.value)).collect();
    let changes = || {
        let present = |part: &'_ _| -> Option<RequirementChange> { change(part) };
        written.requirements.iter().filter_map(move |(id, part)| Some((id.value.clone(), present(part)?)))
    };
    levels.extend(changes().filter_map(|(id, change)| Some((id, change.level?))));
    Settings {
        dialect: model::Dialect {
            name: dialect.dialect.value.clone(),
            framing: over.framing.or(base.framing).unwrap_or_default(),
            closes_first: over.closes_first.or(base.closes_first).unwrap_or_default(),
            udp_buffer: over.udp_buffer.or(base.udp_buffer).unwrap_or(BUFFER),
        },
        asked_port: choice.port.or(port(over, role.transport())),
        usual_port: port(base, role.transport()).unwrap_or(PORT),
        levels,
        exact: changes().filter_map(|(id, change)| Some((id, Points::from_f64(change.points?.value)))).collect(),
        visibility: changes().filter_map(|(id, change)| Some((id, change.visibility?))).collect(),
        total: written.points.get(&role).map_or(TOTAL, |points| Points::from_f64(points.value)),
        show: written.show,
    }
}

fn change(
    part: &crate::spec::placed::Part<crate::spec::placed::Placed<RequirementChange>>,
) -> Option<RequirementChange> {
    part.0.as_ref().map(|change| change.value.clone())
}

fn port(properties: &Properties, transport: Transport) -> Option<u16> {
    match transport {
        Transport::Udp => properties.udp_port,
        Transport::Tcp => properties.tcp_port,
    }
}

/// What is wrong in a dialect, judged against all suites that are known.
pub(crate) fn dialect_mistakes(library: &Library, dialect: &Dialect, tree: &Node) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    name(&dialect.dialect.value, dialect.dialect.span, "a dialect's name", &mut mistakes);
    properties(tree, &mut mistakes);
    for id in dialect.levels.keys() {
        known_id(library, &id.value, id.span, &mut mistakes);
    }
    mistakes
}

/// What is wrong in an assignment, judged against all suites that are known. `complete` where these
/// could be read: else an ID may be one of a suite that could not.
pub(crate) fn mistakes(library: &Library, assignment: &Loaded, complete: bool) -> Vec<Mistake> {
    let (written, tree) = (&assignment.written, &assignment.tree);
    let mut mistakes = Vec::new();
    if let Some(dialect) = &written.dialect
        && dialect.value != AUTO
        && !library.dialects().any(|(name, _)| name == dialect.value)
    {
        mistakes.push(Mistake { span: dialect.span, ..library.no_dialect(&dialect.value) });
    }
    properties(tree, &mut mistakes);
    roles(written, tree, &mut mistakes);
    for (role, points) in &written.points {
        worth(points.value, points.span, &format!("what the {} is worth", role.words()), &mut mistakes);
    }
    for (id, part) in &written.requirements {
        if complete {
            known_id(library, &id.value, id.span, &mut mistakes);
        }
        if let Some(change) = &part.0 {
            one_change(&change.value, id.span, &mut mistakes);
            mistakes
                .extend(in_vain(library, assignment, &id.value, &change.value).map(|m| Mistake { span: id.span, ..m }));
        }
    }
    programs(tree, &mut mistakes);
    hosts(tree, &mut mistakes);
    limits(tree, &mut mistakes);
    mistakes
}

fn known_id(library: &Library, id: &str, span: Span, mistakes: &mut Vec<Mistake>) {
    if !library.ids().contains(&id) {
        mistakes.push(Mistake { span, ..library.no_requirement(id) });
    }
}

fn roles(written: &Assignment, tree: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(roles) = &written.roles else { return };
    if roles.is_empty() {
        let span = tree.entry("roles").map_or(Span::default(), |(key, _)| key.span);
        mistakes.push(
            Mistake::new(span, "no role is named, so nothing would be graded")
                .help("leave `roles` out for all four: udp-server, udp-client, tcp-server, tcp-client"),
        );
    }
    let in_vain = written
        .points
        .keys()
        .map(|role| ("points", role))
        .chain(written.programs.keys().map(|role| ("programs", role)));
    for (key, role) in in_vain.filter(|(_, role)| !roles.iter().any(|asked| asked.value == **role)) {
        let span = tree
            .get(key)
            .and_then(|entries| entries.entry(&role.to_string()))
            .map_or(Span::default(), |(name, _)| name.span);
        let message = format!("`{role}` is not among the `roles`, so this has no effect");
        mistakes.push(Mistake::new(span, message).help("add it to `roles`, or leave it out here"));
    }
    for (index, role) in roles.iter().enumerate() {
        if roles[..index].contains(role) {
            mistakes.push(Mistake::new(role.span, format!("`{}` is named twice", role.value)));
        }
    }
}

/// Points that contradict each other: a total that the exact ones do not make, or that leaves nothing
/// for the other requirements.
pub(crate) fn unbalanced(written: &Assignment, plans: &[model::Plan]) -> Vec<Mistake> {
    plans.iter().filter_map(|plan| unbalanced_role(written, plan)).collect()
}

fn unbalanced_role(written: &Assignment, plan: &model::Plan) -> Option<Mistake> {
    let exact = |id: &str| {
        let (name, part) = written.requirements.get_key_value(id)?;
        part.0.as_ref()?.value.points.as_ref().map(|_| name.span)
    };
    let required = || plan.requirements.iter().filter(|one| one.level == Level::Required);
    let span = required().find_map(|one| exact(&one.id.0))?;
    let sum: Points = required().map(|one| one.points).sum();
    let said = written.points.get(&plan.role);
    let (total, span) = said.map_or((TOTAL, span), |points| (Points::from_f64(points.value), points.span));
    let others: Vec<_> = required().filter(|one| exact(&one.id.0).is_none()).collect();
    if !others.is_empty() && others.iter().all(|one| one.points == Points(0)) {
        let message =
            format!("nothing is left of {total} points for the other requirements of the {}", plan.role.words());
        return Some(Mistake::new(span, message).help(format!("`points: {{ {}: … }}` says a larger total", plan.role)));
    }
    (said.is_some() && sum != total).then(|| {
        let message = format!("the points of the {}'s requirements make {sum}, not {total}", plan.role.words());
        Mistake::new(span, message).help("leave one of them without points of its own, and it gets the rest")
    })
}

/// A requirement that is asked for, but that its suite asks of other dialects alone.
fn in_vain(library: &Library, assignment: &Loaded, id: &str, change: &RequirementChange) -> Option<Mistake> {
    // Without a dialect of its own, one may still be chosen by a flag.
    if !matches!(change.level, Some(Level::Required | Level::Extra)) || assignment.tells_dialect() {
        return None;
    }
    let choice = Choice { assignment: Some(assignment), ..Choice::default() };
    let dialect = library.dialect(&choice).ok()?;
    library.suites().find_map(|suite| {
        let when = suite.requirements.get(id)?.0.as_ref()?.value.when.as_ref()?;
        let settings = settings(&dialect.written, suite.role, &choice);
        (!settings.match_when(Some(when))).then(|| {
            let message = format!("`{id}` means nothing in this dialect, whatever its level");
            Mistake::new(Span::default(), message)
                .help(format!("it is for dialects with {when}; set that in `properties`"))
        })
    })
}

fn one_change(change: &RequirementChange, span: Span, mistakes: &mut Vec<Mistake>) {
    if change.level.is_none() && change.points.is_none() && change.visibility.is_none() {
        mistakes.push(Mistake::new(span, "nothing is changed here").help("say `level`, `points` or `visibility`"));
    }
    if let Some(points) = &change.points {
        worth(points.value, points.span, "what it is worth", mistakes);
        if change.level == Some(Level::Off) {
            mistakes.push(
                Mistake::new(points.span, "a requirement that is off is worth nothing")
                    .help("leave out `points`, or make it `required` or `extra`"),
            );
        }
    }
}

fn worth(points: f64, span: Span, what: &str, mistakes: &mut Vec<Mistake>) {
    if !(0.0..=MOST_POINTS).contains(&points) {
        mistakes.push(Mistake::new(span, format!("{what} must be from 0 to {MOST_POINTS} points")));
    }
}

/// Ports and sizes that cannot be.
fn properties(tree: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(properties) = tree.get("properties") else { return };
    for key in ["udp_port", "tcp_port"] {
        if let Some(node) = properties.get(key)
            && matches!(node.kind, Kind::Int(0))
        {
            mistakes.push(Mistake::new(node.span, "no program can be found at port 0").help("from 1 to 65535"));
        }
    }
    if let Some(node) = properties.get("udp_buffer")
        && !matches!(node.kind, Kind::Int(size) if (1..=i64::from(DATAGRAM)).contains(&size))
    {
        mistakes.push(Mistake::new(node.span, "no datagram has this size").help(format!("from 1 to {DATAGRAM} bytes")));
    }
}

/// The placeholders in what starts and feeds a program.
fn programs(tree: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(Node { kind: Kind::Map(programs), .. }) = tree.get("programs") else { return };
    for (_, program) in programs {
        let texts = |key: &str| program.get(key).map_or(&[][..], Node::items).iter();
        for node in texts("run") {
            placeholders(node, &["file", "host", "port"], mistakes);
        }
        for node in texts("arguments").chain(program.get("input")) {
            placeholders(node, &["host", "port"], mistakes);
        }
        for node in texts("files") {
            if matches!(&node.kind, Kind::Str(name) if name.is_empty() || name.contains('/')) {
                mistakes.push(
                    Mistake::new(node.span, "a file's name is wanted here, without its folder")
                        .help("such as `server.py`, or `*.java`"),
                );
            }
        }
        if let Some((_, run)) = program.entry("run") {
            if run.items().is_empty() {
                mistakes.push(Mistake::new(run.span, "a command line without a command"));
            }
            if let Some((key, _)) = program.entry("arguments") {
                mistakes.push(
                    Mistake::new(key.span, "`run` is the whole command line already")
                        .help("put the arguments there, and leave `arguments` out"),
                );
            }
        }
    }
}

fn placeholders(node: &Node, known: &[&str], mistakes: &mut Vec<Mistake>) {
    let Kind::Str(text) = &node.kind else { return };
    for (at, _) in text.match_indices('{') {
        let Some(length) = text[at..].find('}') else { continue };
        let name = &text[at + 1..at + length];
        let like_a_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '-' || c == '_');
        if like_a_name && !known.contains(&name) {
            let mut mistake = Mistake::new(node.span, format!("`{{{name}}}` stands for nothing here"));
            mistake.help = suggest(name, known);
            mistakes.push(mistake);
        }
    }
}

fn hosts(tree: &Node, mistakes: &mut Vec<Mistake>) {
    for node in tree.get("hosts").map_or(&[][..], Node::items) {
        let good = |name: &str| {
            (1..=253).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        if matches!(&node.kind, Kind::Str(name) if !good(name)) {
            mistakes
                .push(Mistake::new(node.span, "this is no host name").help("letters, digits, `-` and `.`, no port"));
        }
    }
}

fn limits(tree: &Node, mistakes: &mut Vec<Mistake>) {
    let Some(Node { kind: Kind::Map(limits), .. }) = tree.get("limits") else { return };
    for (_, limit) in limits {
        if matches!(limit.kind, Kind::Int(0)) {
            mistakes.push(
                Mistake::new(limit.span, "with 0 of this no program runs").help("leave it out for the default limit"),
            );
        }
    }
}

/// What somebody names by hand must be one word.
pub(crate) fn name(text: &str, span: Span, what: &str, mistakes: &mut Vec<Mistake>) {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(good) || text.len() > 60 {
        let message = format!("`{text}` cannot be {what}");
        mistakes.push(Mistake::new(span, message).help("lower-case letters, digits, `-` and `_`, a letter first"));
    }
}
