//! Steps in words.

use super::Stage;
use crate::plan::model::{Payload, Step};
use crate::plan::template::Template;
use crate::text::quote;

impl Stage<'_> {
    /// A step in words, for the ladder; what speaks for itself there has none.
    pub(super) fn words(&self, step: &Step) -> Option<String> {
        Some(match step {
            Step::Pause(millis) => format!("wait {millis} ms"),
            Step::Start { input: Some(input) } => {
                let typed = self.peek(input);
                format!("start the program and type {}", quote(&typed, 60))
            }
            Step::Start { input: None } => "start the program".to_owned(),
            Step::Restart => "stop the program and start it again".to_owned(),
            Step::Stop => "stop the program".to_owned(),
            Step::EndInput => "end the program's input".to_owned(),
            _ => return None,
        })
    }

    /// Names the step for the packets that come now.
    pub(super) fn caption(&mut self, step: &Step, words: Option<&str>) {
        let Some(mut capture) = self.capture.take() else { return };
        capture.caption(|| words.map_or_else(|| self.caption_words(step), str::to_owned));
        *self.capture = Some(capture);
    }

    /// A step in words, where a packet must say what the ladder shows by an arrow.
    pub(super) fn caption_words(&self, step: &Step) -> String {
        match step {
            Step::Send { from, what, .. } => {
                let bytes = match what {
                    Payload::Text(template) => self.peek(template),
                    Payload::Bytes(bytes) => bytes.0.clone(),
                };
                format!("{from} sends {}", quote(&bytes, 60))
            }
            Step::Settle => "let the program come to rest".to_owned(),
            Step::Mark(name) => format!("the moment \"{name}\""),
            Step::Look(_) => "count the program's files and sockets".to_owned(),
            Step::Open { peer, .. } => format!("open {peer}, a UDP client"),
            Step::Bind { peer, .. } => format!("open {peer}, a UDP server"),
            Step::Connect { peer, .. } => format!("{peer} connects"),
            Step::Listen { peer } => format!("{peer} listens"),
            Step::Accept { on, peer } => format!("{on} accepts a connection, {peer}"),
            Step::Await(peer) => format!("wait until {peer} is spoken to"),
            Step::Shutdown(peer) => format!("{peer} ends its sending side"),
            Step::Close(peer) => format!("{peer} closes"),
            Step::Reset(peer) => format!("{peer} resets the connection"),
            Step::Input(text) => format!("type {}", quote(&self.peek(text), 60)),
            Step::Repeat { times, .. } => format!("{times} times the same"),
            Step::AtOnce(_) => "several things at once".to_owned(),
            _ => String::new(),
        }
    }

    /// Fills in a template without drawing for good.
    fn peek(&self, template: &Template) -> Vec<u8> {
        template.render(|reference| self.value(reference), &mut self.random.clone())
    }
}
