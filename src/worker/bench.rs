//! A program on the bench: scenario after scenario is played with it.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::account::Account;
use super::evidence;
use super::inside::{alive, say};
use super::job::{Job, Message};
use crate::event::{Fact, Record};
use crate::ids::{Side, Transport};
use crate::judge;
use crate::judge::facts::View;
use crate::observe::Capture;
use crate::observe::capture::Packets;
use crate::plan::model::{Predicate, Scenario, Step};
use crate::runner::{Live, Terms, play};
use crate::sandbox::PortLocks;
use crate::sandbox::network;

/// The program between scenarios: it may be alive, and hold ports.
struct Bench<'a> {
    job: &'a Job,
    terms: Terms,
    live: Option<Live>,
    /// The packets of its network, where that is its own and they may be seen.
    capture: Option<Capture>,
    /// Those of the record that counts, where they are to be kept.
    packets: Packets,
    /// When the program has had all the time that it may take.
    end: Instant,
    locks: Option<PortLocks>,
    starts: u32,
    /// Whether a program has used this network, so that something of it may linger there.
    used: bool,
}

pub(super) async fn work(
    job: &Job,
    terms: Terms,
    account: Account,
    mut orders: UnboundedReceiver<String>,
) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(job.launch.limits.wall_seconds);
    let packets = Packets::default();
    let mut bench = Bench { job, terms, live: None, capture: None, packets, end, locks: None, starts: 0, used: false };
    loop {
        say(&Message::Ready)?;
        // Its end is that of the parent, which is noticed elsewhere.
        let Some(line) = orders.recv().await else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let Some(index) = serde_json::from_str::<Option<usize>>(&line)? else { break };
        let scenario = job.plan.scenarios.get(index).ok_or(io::ErrorKind::InvalidInput)?;
        let record = match bench.run(scenario).await {
            Ok(record) => record,
            Err(reason) if Instant::now() >= bench.end => return say(&Message::Stopped(reason)),
            Err(error) => return say(&Message::Trouble(error)),
        };
        if let Some(folder) = &job.evidence {
            // Who cannot write there is told by the parent, which looks for the files.
            let _ = evidence::write(folder, &job.plan, scenario, &record, &bench.packets);
        }
        say(&Message::Played(record))?;
    }
    bench.clear();
    say(&Message::Done { starts: bench.starts, spent: account.spent(bench.starts) })
}

impl Bench<'_> {
    /// Plays a scenario. A server is shared by scenarios in order, for its start is the dearest part
    /// of a grading; one in which a check does not hold is played again in a fresh process, whose
    /// record alone counts.
    async fn run(&mut self, scenario: &Scenario) -> Result<Record, String> {
        if scenario.fresh || self.job.plan.role.side() == Side::Client {
            self.clear();
        }
        let record = self.play(scenario).await?;
        let record = self.followed(scenario, record).await?;
        let holds = judge::holds(&self.job.plan, scenario, &record);
        if holds && !self.is_spoilt(scenario) {
            return Ok(record);
        }
        self.clear();
        // What covers others counts only where it holds.
        let last = holds || record.fresh || !scenario.covers.is_empty();
        if last { Ok(record) } else { self.play_and_clear(scenario).await }
    }

    /// A client that speaks to another port than the assigned one is answered there from now on, so
    /// that all else can be tested. Only where a check is about the port, for nothing else would
    /// tell of it.
    async fn followed(&mut self, scenario: &Scenario, record: Record) -> Result<Record, String> {
        let plan = &self.job.plan;
        let asked = plan.scenarios.iter().flat_map(|scenario| &scenario.checks).flat_map(|check| &check.predicates);
        let asked = asked.into_iter().any(|predicate| matches!(predicate, Predicate::AssignedPort { .. }));
        let elsewhere = |record: &Record| {
            let view = View::whole(record);
            view.starved()?;
            view.spoken_elsewhere(plan.role.transport(), plan.port).map(|(_, there)| there.port())
        };
        let Some(port) = elsewhere(&record).filter(|_| asked && plan.role.side() == Side::Client) else {
            return Ok(record);
        };
        let before = self.terms.spoken_port.replace(port);
        let packets = std::mem::take(&mut self.packets);
        self.clear();
        let second = self.play(scenario).await?;
        // Another port each time, or one that is not to be had.
        if View::whole(&second).trouble().is_some() || elsewhere(&second).is_some() {
            self.terms.spoken_port = before;
            self.packets = packets;
            return Ok(record);
        }
        Ok(second)
    }

    /// Whether the process cannot serve a further scenario.
    fn is_spoilt(&mut self, scenario: &Scenario) -> bool {
        scenario.fresh || self.job.plan.role.side() == Side::Client || self.live.as_mut().is_none_or(Live::has_ended)
    }

    async fn play_and_clear(&mut self, scenario: &Scenario) -> Result<Record, String> {
        let record = self.play(scenario).await?;
        if !judge::holds(&self.job.plan, scenario, &record) {
            self.clear();
        }
        Ok(record)
    }

    async fn play(&mut self, scenario: &Scenario) -> Result<Record, String> {
        // While another program of the submission has them, this one is alive all the same.
        alive(self.take_ports(scenario), None).await?;
        if !self.terms.shared_ports {
            self.renew_network();
            network::keep_remains(scenario.steps.contains(&Step::Restart));
        }
        let job = self.job;
        let record = {
            let playing = play(&job.plan, scenario, &job.launch, &mut self.live, &mut self.terms, &mut self.capture);
            alive(async { Ok(playing.await) }, Some(self.end)).await?
        };
        self.packets = self.capture.as_mut().map(Capture::take).unwrap_or_default();
        let started = record.events.iter().filter(|event| matches!(event.fact, Fact::Started { .. })).count();
        self.starts += u32::try_from(started).unwrap_or(0);
        Ok(record)
    }

    /// A fresh process gets a fresh network, with a name server of its own.
    fn renew_network(&mut self) {
        if self.live.is_some() {
            return;
        }
        if self.used {
            // Where there is no other to be had, this one is as good as it was.
            let _ = network::renew();
        }
        self.used = true;
        if let Some(old) = self.capture.take() {
            // To close it waits for all processors (10 ms), which nothing here needs to wait for.
            std::thread::spawn(move || drop(old));
        }
        // What sees packets sees those of one network. Without it, what peers see must do.
        self.capture = Capture::open(self.job.evidence.is_some()).ok();
        self.terms.names = None;
        if self.job.plan.port != crate::peer::NAME_PORT {
            // Without it, a name that only the server knows is unknown to the program, which says so.
            self.terms.names = crate::peer::Names::open().ok();
        }
    }

    /// Makes sure that nobody else uses the scenario's ports. Where something lingers there, a
    /// program that does not set SO_REUSEADDR could not bind it, by no fault of its own.
    async fn take_ports(&mut self, scenario: &Scenario) -> Result<(), String> {
        if !self.terms.shared_ports || self.live.is_some() || self.locks.is_some() {
            return Ok(());
        }
        let ports: BTreeSet<(Transport, u16)> = scenario.ports.iter().copied().collect();
        self.locks = Some(PortLocks::take(&ports).await.map_err(|error| error.to_string())?);
        for (transport, port) in ports {
            free(transport, port, self.job.plan.role.side()).await?;
        }
        Ok(())
    }

    /// Ends the program, and gives its ports back.
    fn clear(&mut self) {
        if let Some(mut live) = self.live.take() {
            live.stop();
        }
        self.locks = None;
    }
}

/// Waits until nothing is left on a port. Connections in TIME_WAIT are gone after a minute.
async fn free(transport: Transport, port: u16, side: Side) -> Result<(), String> {
    use crate::observe::Occupant;

    let end = Instant::now() + Duration::from_secs(65);
    loop {
        match crate::observe::occupant(transport, port) {
            Occupant::Nobody => return Ok(()),
            // Our own side sets SO_REUSEADDR, and remains do not keep it from its port.
            Occupant::Remains if side == Side::Client => return Ok(()),
            Occupant::Remains if Instant::now() < end => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Occupant::Remains | Occupant::Program => {
                return Err(format!(
                    "{transport} port {port} is in use by another program on this machine; stop that one \
                     (`ss -lnp` names it) and try again"
                ));
            }
        }
    }
}
