//! The rule against made-up looks, a millisecond apart.

use super::*;

struct Bench {
    memory: Memory,
    resting: Resting,
    start: Instant,
    now: Instant,
}

impl Bench {
    fn new(purpose: Purpose, budget: Budget) -> Self {
        let now = Instant::now();
        Self { memory: Memory::default(), resting: Resting::new(purpose, budget, now), start: now, now }
    }

    fn again(&mut self) {
        self.resting = Resting::new(Purpose::Settle, Budget::SETTLE, self.now);
        self.start = self.now;
    }

    fn look(&mut self, threads: &[ThreadLook]) -> Option<Rest> {
        self.see(&Look { alive: true, threads: threads.to_vec(), ..Look::default() })
    }

    fn see(&mut self, look: &Look) -> Option<Rest> {
        self.now += Duration::from_millis(1);
        self.resting.look(&mut self.memory, look, self.now).map(|settled| settled.how)
    }

    /// Looks at a thread that waits in rounds of so many milliseconds, until rest; says how long it took.
    fn round(&mut self, call: &Call, every: u64, from: u64) -> (Rest, u128) {
        for at in from.. {
            if let Some(how) = self.look(&[thread(1, at / every + 1, Wait::In(call.clone()))]) {
                return (how, self.now.duration_since(self.start).as_millis());
            }
        }
        unreachable!("a deadline comes")
    }
}

fn thread(tid: u32, turns: u64, wait: Wait) -> ThreadLook {
    ThreadLook { pid: 1, tid, name: "python3".into(), cpu: turns * 1000, waited: 0, turns, wait }
}

fn call(name: &'static str, millis: Option<u64>) -> Call {
    let limit = millis.map(|millis| Limit::Within(Duration::from_millis(millis)));
    Call { name, descriptor: None, limit, bare: name == "sleep", signature: [1, 2, 3, 4, millis.unwrap_or(0)] }
}

fn recv(tid: u32, turns: u64) -> ThreadLook {
    thread(tid, turns, Wait::In(call("recv", None)))
}

fn home() -> Bench {
    Bench::new(Purpose::Home, Budget::HOME)
}

/// A program that owes an answer.
fn owing() -> Bench {
    let mut bench = settle();
    bench.resting.owing(&bench.memory, 1, 0, bench.now);
    bench
}

fn settle() -> Bench {
    Bench::new(Purpose::Settle, Budget::SETTLE)
}

#[test]
fn two_equal_looks_are_rest() {
    let mut bench = settle();
    assert_eq!(bench.look(&[recv(1, 5)]), None);
    assert_eq!(bench.look(&[recv(1, 5)]), Some(Rest::Quiescent));
}

#[test]
fn a_turn_between_two_looks_is_none() {
    let mut bench = settle();
    assert_eq!([5, 6, 7].map(|turns| bench.look(&[recv(1, turns)])), [None; 3]);
    assert_eq!(bench.look(&[recv(1, 7)]), Some(Rest::Quiescent));
}

#[test]
fn nor_is_a_new_thread_or_one_that_runs() {
    let mut bench = settle();
    bench.look(&[recv(1, 5)]);
    assert_eq!(bench.look(&[recv(1, 5), recv(2, 1)]), None);
    assert_eq!(bench.look(&[recv(1, 5)]), None, "one has gone");
    assert_eq!(bench.look(&[recv(1, 5), thread(3, 1, Wait::Busy)]), None);
    assert_eq!(bench.look(&[]), None, "its threads were missed");
}

#[test]
fn activity_or_packets_under_way_are_no_rest() {
    let mut bench = settle();
    bench.look(&[recv(1, 5)]);
    bench.resting.activity(Activity::Print, bench.now);
    assert_eq!(bench.look(&[recv(1, 5)]), None);
    let under_way = Look { alive: true, threads: vec![recv(1, 5)], in_transit: true, ..Look::default() };
    assert_eq!(bench.see(&under_way), None);
    assert_eq!(bench.look(&[recv(1, 5)]), Some(Rest::Quiescent));
}

#[test]
fn what_was_before_a_stimulus_does_not_count() {
    let mut bench = settle();
    bench.look(&[recv(1, 5)]);
    bench.look(&[recv(1, 5)]);
    bench.again();
    assert_eq!(bench.look(&[recv(1, 5)]), None);
    assert_eq!(bench.look(&[recv(1, 5)]), Some(Rest::Quiescent));
}

#[test]
fn one_empty_look_is_not_the_end() {
    let mut bench = settle();
    assert_eq!(bench.see(&Look::default()), None);
    assert_eq!(bench.look(&[recv(1, 5)]), None);
    assert_eq!(bench.see(&Look::default()), None);
    assert_eq!(bench.see(&Look::default()), Some(Rest::Gone));
}

#[test]
fn a_poll_is_idle_after_a_round_and_a_second() {
    let mut bench = settle();
    let (how, took) = bench.round(&call("poll", Some(300)), 300, 0);
    assert_eq!(how, Rest::Polling);
    assert!((1000..1400).contains(&took), "{took}");
    let (how, took) = bench.round(&call("poll", Some(2000)), 2000, 0);
    assert_eq!(how, Rest::Polling, "the same thread in another wait is not known");
    assert!(took > 2000, "{took}");
}

#[test]
fn a_sleep_elsewhere_than_at_home_is_idle_after_five_seconds() {
    let (how, took) = settle().round(&call("sleep", Some(600)), 600, 0);
    assert!(matches!(how, Rest::Polling | Rest::Deadline), "{how:?}");
    assert!((4390..5010).contains(&took), "{took}");
}

#[test]
fn before_it_is_asked_for_anything_a_round_is_enough() {
    for (name, rounds) in [("poll", 1), ("sleep", 2)] {
        let (how, took) = home().round(&call(name, Some(400)), 400, 0);
        assert_eq!(how, Rest::Polling);
        assert!((rounds * 400..rounds * 400 + 10).contains(&took), "{name} {took}");
    }
}

#[test]
fn who_owes_an_answer_is_not_at_rest_for_coming_round() {
    for wait in ["sleep", "poll"] {
        for known in [false, true] {
            let mut bench = if known { at_home(&call(wait, Some(400))) } else { settle() };
            bench.resting.owing(&bench.memory, 1, 0, bench.now);
            let turns = bench.memory.threads.get(&1).map_or(0, |thread| thread.turns);
            let (_, took) = bench.round(&call(wait, Some(400)), 400, turns * 400);
            assert!((4590..5010).contains(&took), "{wait} {known} {took}");
        }
    }
}

#[test]
fn who_owes_an_answer_and_waits_for_ever_is_at_rest_at_once() {
    let mut bench = owing();
    assert_eq!(bench.look(&[recv(1, 5)]), None);
    assert_eq!(bench.look(&[recv(1, 5)]), Some(Rest::Quiescent));
}

#[test]
fn each_answer_renews_the_deadline_but_not_for_ever() {
    let mut bench = owing();
    let end = (1..).find(|at: &u64| {
        if at.is_multiple_of(800) {
            bench.resting.activity(Activity::Wire, bench.now);
        }
        bench.resting.owing(&bench.memory, 1, at / 800, bench.now);
        bench.look(&[thread(1, at / 800, Wait::In(call("sleep", Some(800))))]).is_some()
    });
    assert!(end.is_some_and(|end| (59_000..60_100).contains(&end)), "{end:?}");
    // Now it is known: its next answer bit by bit has the time of one answer.
    bench.again();
    let end = (1..).find(|at: &u64| {
        bench.resting.owing(&bench.memory, 1, at / 800, bench.now);
        bench.look(&[thread(1, at / 800, Wait::In(call("sleep", Some(800))))]).is_some()
    });
    assert!(end.is_some_and(|end| (4000..5010).contains(&end)), "{end:?}");
}

#[test]
fn what_is_no_answer_renews_nothing() {
    let mut bench = owing();
    let end = (1..).find(|at: &u64| {
        bench.resting.activity(Activity::Wire, bench.now);
        bench.look(&[thread(1, *at, Wait::In(call("sleep", Some(800))))]).is_some()
    });
    assert!(end.is_some_and(|end| (4999..5010).contains(&end)), "{end:?}");
}

#[test]
fn a_fast_poll_is_idle_too() {
    let (how, took) = settle().round(&call("poll", Some(1)), 1, 0);
    assert!(how == Rest::Polling || how == Rest::Deadline, "{how:?}");
    let mut bench = settle();
    for turn in 0..1200 {
        if bench.look(&[thread(1, turn * 3, Wait::In(call("poll", Some(1))))]) == Some(Rest::Polling) {
            assert!(turn > 900, "{turn} after {took}");
            return;
        }
    }
    panic!("never idle");
}

/// A program that is at home in a wait; nothing has run since that was found.
fn at_home(wait: &Call) -> Bench {
    let mut bench = home();
    assert_eq!(bench.round(wait, 400, 0).0, Rest::Polling);
    bench.again();
    bench
}

#[test]
fn a_poll_at_home_must_come_round_once_or_answer() {
    let poll = call("poll", Some(400));
    let asleep = |turns| thread(1, turns, Wait::In(call("poll", Some(400))));
    let mut bench = at_home(&poll);
    let turns = bench.memory.threads[&1].turns;
    assert!((0..300).all(|_| bench.look(&[asleep(turns)]).is_none()));
    assert_eq!(bench.look(&[asleep(turns + 1)]), Some(Rest::Polling));
    let mut bench = at_home(&poll);
    bench.resting.activity(Activity::Wire, bench.now);
    bench.look(&[asleep(turns + 1)]);
    assert_eq!(bench.look(&[asleep(turns + 1)]), Some(Rest::Polling));
}

#[test]
fn a_sleep_at_home_must_end_twice_unless_there_was_an_answer() {
    let asleep = |turns| thread(1, turns, Wait::In(call("sleep", Some(400))));
    for (answered, wanted) in [(false, 2), (true, 0)] {
        let mut bench = at_home(&call("sleep", Some(400)));
        let turns = bench.memory.threads[&1].turns;
        if answered {
            bench.resting.activity(Activity::Wire, bench.now);
        }
        for round in 0..wanted {
            assert!((0..100).all(|_| bench.look(&[asleep(turns + round)]).is_none()), "{answered} {round}");
        }
        bench.look(&[asleep(turns + wanted)]);
        assert_eq!(bench.look(&[asleep(turns + wanted)]).or(Some(Rest::Polling)), Some(Rest::Polling));
    }
}

#[test]
fn another_thread_at_the_same_place_is_at_home_too() {
    let mut bench = at_home(&call("poll", Some(400)));
    bench.resting.activity(Activity::Wire, bench.now);
    let another = thread(7, 1, Wait::In(call("poll", Some(2000))));
    bench.look(std::slice::from_ref(&another));
    bench.look(std::slice::from_ref(&another));
    assert_eq!(bench.look(std::slice::from_ref(&another)), Some(Rest::Polling));
}

#[test]
fn a_wait_beyond_the_deadline_is_not_sat_out_but_in_a_pause() {
    let long = thread(1, 1, Wait::In(call("poll", Some(60_000))));
    let mut bench = settle();
    bench.look(std::slice::from_ref(&long));
    assert_eq!(bench.look(std::slice::from_ref(&long)), Some(Rest::Polling));
    let mut bench = Bench::new(Purpose::Pause, Budget { wall: Duration::from_millis(50), cpu: Duration::MAX });
    let looks = (0..).find_map(|count| bench.look(std::slice::from_ref(&long)).map(|how| (count, how)));
    assert_eq!(looks, Some((49, Rest::Deadline)));
}

#[test]
fn a_busy_program_meets_the_deadline_by_processor_time() {
    let mut bench = settle();
    let busy = |millis: u64| ThreadLook { cpu: millis * 1_000_000, ..thread(1, 1, Wait::Busy) };
    let end = (0..).find(|millis| bench.look(&[busy(*millis)]).is_some());
    assert!(end.is_some_and(|end| (2999..=3001).contains(&end)), "{end:?}");
}

#[test]
fn who_is_known_to_spin_gets_little_processor_time_when_nothing_is_owed() {
    let busy = |millis: u64| ThreadLook { cpu: millis * 1_000_000, ..thread(1, 1, Wait::Busy) };
    let mut bench = home();
    let end = (0..).find(|millis| bench.look(&[busy(*millis)]).is_some());
    assert!(end.is_some_and(|end| (299..=301).contains(&end)), "{end:?}");
    for (owed, wanted) in [(0, 50), (1, 3000), (1, 250), (0, 50)] {
        bench.again();
        bench.resting.owing(&bench.memory, owed, 0, bench.now);
        let before = bench.memory.threads[&1].cpu / 1_000_000;
        let end = (0..).find(|millis| bench.look(&[busy(before + *millis)]).is_some());
        assert!(end.is_some_and(|end| (wanted - 1..=wanted + 1).contains(&end)), "{owed} {end:?}");
    }
}

#[test]
fn waiting_for_a_processor_a_disk_or_a_signal_is_left_out() {
    for held_up in [
        |at: u64| ThreadLook { waited: at * 990_000, ..thread(1, 1, Wait::Busy) },
        |_| thread(1, 1, Wait::Stopped),
        |_| thread(1, 1, Wait::Disk),
    ] {
        let mut bench = settle();
        assert!((0..14_000).all(|at| bench.look(&[held_up(at)]).is_none()));
        assert!((14_000..60_000).any(|at| bench.look(&[held_up(at)]) == Some(Rest::Deadline)), "but not for ever");
    }
}

#[test]
fn who_has_stopped_itself_is_not_waited_for_as_long_as_who_waits_for_a_disk() {
    let mut bench = settle();
    let end = (0..60_000).find(|_| bench.look(&[thread(1, 1, Wait::Stopped)]) == Some(Rest::Deadline));
    assert!(end.is_some_and(|looks| looks < 16_000), "{end:?}");
}

#[test]
fn where_the_kernel_hides_the_call_a_grace_decides() {
    let mut bench = settle();
    let hidden = || [thread(1, 1, Wait::Hidden)];
    let looks = (0..).find_map(|count| bench.look(&hidden()).map(|how| (count, how)));
    assert!(matches!(looks, Some((299..=301, Rest::Grace))), "{looks:?}");
}
