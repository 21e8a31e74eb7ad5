//! The TCP client and the TCP server of one submission: where a sentence ends is told by one of them, and
//! then holds for the other.

use super::task::Task;
use super::{BatchError, Program, Request, habits};
use crate::ids::Role;
use crate::judge::submission::Recorded;
use crate::plan::model::Framing;
use crate::sandbox::PrivateCopy;

/// One of the two.
struct Half<'a> {
    program: &'a Program,
    recorded: &'a Recorded,
    /// Its place among the submission's programs.
    place: usize,
}

/// What one half says of the other.
enum Told {
    /// That one is to be run again, as this program.
    Again(usize, Box<Program>),
    /// Nothing, by our fault or the machine's: what to hold against the other is not known, for this reason.
    Doubt(usize, String),
}

/// Runs again the half that the other one says something of.
pub(super) async fn agree(
    request: &Request,
    programs: &mut [(usize, Recorded)],
    task: &impl Fn(&Program, &PrivateCopy, u64) -> Task,
) -> Result<(), BatchError> {
    for told in [client_by_server, server_by_client] {
        let halves = (half(request, programs, Role::TcpServer), half(request, programs, Role::TcpClient));
        let (Some(server), Some(client)) = halves else { return Ok(()) };
        let (place, program) = match told(&server, &client) {
            None => continue,
            Some(Told::Doubt(place, reason)) => {
                programs[place].1.record.trouble = Some(reason);
                continue;
            }
            Some(Told::Again(place, program)) => (place, program),
        };
        let copy = PrivateCopy::of(&request.path)?;
        let seed = programs[place].1.record.seed;
        programs[place].1 = task(&program, &copy, seed).run(copy).await;
    }
    Ok(())
}

fn half<'a>(request: &'a Request, programs: &'a [(usize, Recorded)], role: Role) -> Option<Half<'a>> {
    let place = programs.iter().position(|(_, recorded)| recorded.plan.role == role)?;
    let (index, recorded) = &programs[place];
    Some(Half { program: request.programs.get(*index)?, recorded, place })
}

/// Why nothing can be held against a half whose dialect rests on that of the other, where that could not be
/// graded by our fault.
fn doubt(half: &Half<'_>, other: &Half<'_>) -> Option<Told> {
    let reason = other.recorded.record.trouble.as_ref().filter(|_| half.recorded.record.trouble.is_none())?;
    let role = other.recorded.plan.role.words();
    let reason = format!("its dialect rests on that of the {role}, which could not be graded: {reason}");
    Some(Told::Doubt(half.place, reason))
}

/// A TCP client that ends its sentence with a newline does what its server waits for, where that was told
/// to speak by lines: then both are judged so. (Alone, the newline would be one too many.)
fn client_by_server(server: &Half<'_>, client: &Half<'_>) -> Option<Told> {
    if !habits::sends_lines(&client.recorded.record) || client.recorded.plan.dialect.framing == Framing::Line {
        return None;
    }
    let dialect = &server.recorded.plan.dialect;
    if dialect.framing == Framing::Message
        && !client.program.others.is_empty()
        && let Some(doubt) = doubt(client, server)
    {
        return Some(doubt);
    }
    server.recorded.record.told.as_ref()?;
    let other = client.program.others.iter().find(|other| other.dialect.name == dialect.name)?;
    if other.dialect.framing != Framing::Line {
        return None;
    }
    let mut program = client.program.clone();
    (program.plan, program.others) = (other.clone(), Vec::new());
    program.told = Some("told by its server, which speaks by lines".to_owned());
    Some(Told::Again(client.place, Box::new(program)))
}

/// A TCP server that waits for a newline which its own client does not send: the two could never speak with
/// each other, so it is judged by the dialect that its client speaks.
fn server_by_client(server: &Half<'_>, client: &Half<'_>) -> Option<Told> {
    // By its behaviour alone: its text had spoken for the other dialect.
    let by_behaviour = server.recorded.plan.dialect.name != server.program.plan.dialect.name;
    let apart = habits::sends_without_newline(&client.recorded.record)
        && client.recorded.plan.dialect.framing == Framing::Message;
    if !by_behaviour || server.recorded.plan.dialect.framing != Framing::Line {
        return None;
    }
    if let Some(doubt) = doubt(server, client) {
        return Some(doubt);
    }
    if !apart {
        return None;
    }
    let mut program = server.program.clone();
    program.others = Vec::new();
    program.notes.push("it waits for a newline, which the client of this submission does not send".to_owned());
    Some(Told::Again(server.place, Box::new(program)))
}
