//! The rule against real programs (Python, and C and Java where they are installed).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Activity, Budget, Purpose, Settled, Watch};
use crate::event::{Rest, SocketState};

/// A program's tree is all that is below this process, so such tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    let guard = crate::sys::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    crate::sys::set_subreaper().unwrap();
    guard
}

struct Program {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    watch: Watch,
    _alone: MutexGuard<'static, ()>,
}

impl Program {
    fn python(code: &str) -> Self {
        Self::start(Command::new("python3").arg("-c").arg(format!("import socket, sys, time, os\n{code}")))
    }

    fn start(command: &mut Command) -> Self {
        let alone = alone();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, watch: Watch::new(Vec::new(), crate::program::language::runtimes()), _alone: alone }
    }

    /// The port that it prints.
    fn port(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        SocketAddr::from(([127, 0, 0, 1], line.trim().parse().unwrap()))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn rest(&mut self, purpose: Purpose, budget: Budget) -> (Settled, Duration) {
        self.rest_while(purpose, budget, || false)
    }

    /// Looks until rest; `pump` says whether something came over the wire.
    fn rest_while(&mut self, purpose: Purpose, budget: Budget, mut pump: impl FnMut() -> bool) -> (Settled, Duration) {
        let begun = Instant::now();
        self.watch.begin(purpose, budget);
        loop {
            if pump() {
                self.watch.activity(Activity::Wire);
            }
            if let Some(settled) = self.watch.look() {
                if pump() {
                    self.watch.activity(Activity::Wire);
                    continue;
                }
                return (settled, begun.elapsed());
            }
            std::thread::sleep(self.watch.pace());
        }
    }

    /// Looks until rest, with so many answers owed; how many came.
    fn answers(&mut self, ours: &UdpSocket, owed: u32) -> (Rest, u32) {
        let mut heard = 0;
        self.watch.begin(Purpose::Settle, Budget::SETTLE);
        loop {
            if take(ours, &mut heard) {
                self.watch.activity(Activity::Wire);
            }
            self.watch.owing(usize::try_from(owed - heard).unwrap(), u64::from(heard));
            if let Some(settled) = self.watch.look() {
                return (settled.how, heard);
            }
            std::thread::sleep(self.watch.pace());
        }
    }

    fn settle(&mut self) -> (Settled, Duration) {
        self.rest(Purpose::Settle, Budget::SETTLE)
    }

    fn started(&mut self) -> (Settled, Duration) {
        self.rest(Purpose::Settle, Budget::START)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for pid in super::below(std::process::id(), &std::collections::BTreeSet::new()) {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), nix::sys::signal::SIGKILL);
        }
        let _ = self.child.wait();
        while !super::below(std::process::id(), &std::collections::BTreeSet::new()).is_empty() {
            std::thread::yield_now();
        }
    }
}

fn client() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    socket
}

const UDP: &str = "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 0))\nprint(s.getsockname()[1], flush=True)\n";

#[test]
fn a_server_in_recv_is_quiescent_and_its_socket_named() {
    let mut program = Program::python(&format!("{UDP}s.recvfrom(2048)"));
    let port = program.port();
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Quiescent);
    assert!(took < Duration::from_secs(1), "{took:?}");
    let [thread] = settled.threads.as_slice() else { panic!("{settled:?}") };
    assert_eq!((thread.call.as_str(), thread.timed), ("recv", false));
    let socket = thread.socket.as_ref().unwrap();
    assert_eq!((socket.local, socket.state), (port, SocketState::Bound));
    assert_eq!(program.watch.census().threads, 1);
    assert!(program.watch.census().descriptors >= 4);
}

#[test]
fn one_that_sleeps_before_it_prints_is_not_at_rest() {
    let mut program = Program::python("time.sleep(1.0)\nprint('late', flush=True)\nsys.stdin.read()");
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Quiescent);
    assert!(took > Duration::from_secs(1), "{took:?}");
    assert_eq!(program.line(), "late");
    assert_eq!(settled.threads[0].call, "read");
}

#[test]
fn one_that_sleeps_before_it_replies_is_not_at_rest() {
    let code = format!(
        "{UDP}\nwhile True:\n d, a = s.recvfrom(2048)\n for i in range(2): time.sleep(0.7)\n s.sendto(d.upper(), a)"
    );
    let mut program = Program::python(&code);
    let to = program.port();
    assert_eq!(program.started().0.how, Rest::Quiescent);
    let ours = client();
    ours.send_to(b"x", to).unwrap();
    let mut heard = 0;
    let (settled, _) = program.rest_while(Purpose::Settle, Budget::SETTLE, || take(&ours, &mut heard));
    assert_eq!((settled.how, heard), (Rest::Quiescent, 1));
}

fn take(socket: &UdpSocket, heard: &mut u32) -> bool {
    let any = socket.recv(&mut [0; 2048]).is_ok();
    *heard += u32::from(any);
    any
}

/// `poll` with half a second, as `socketserver.serve_forever` has it.
#[test]
fn an_idle_poll_is_learned() {
    let code = format!(
        "{UDP}import select\np = select.poll(); p.register(s, 1)\nwhile True:\n if p.poll(500):\n  d, a = s.recvfrom(2048)\n  if d != b'mum': s.sendto(d.upper(), a)"
    );
    let mut program = Program::python(&code);
    let to = program.port();
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Polling);
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(3), "{took:?}");
    assert!(settled.threads[0].timed);
    let ours = client();
    let mut heard = 0;
    for _ in 0..3 {
        ours.send_to(b"x", to).unwrap();
        let (settled, took) = program.rest_while(Purpose::Settle, Budget::SETTLE, || take(&ours, &mut heard));
        assert_eq!(settled.how, Rest::Polling);
        assert!(took < Duration::from_millis(400), "{took:?}");
    }
    assert_eq!(heard, 3);
    ours.send_to(b"mum", to).unwrap();
    let (settled, took) = program.rest_while(Purpose::Settle, Budget::SETTLE, || take(&ours, &mut heard));
    assert_eq!((settled.how, heard), (Rest::Polling, 3));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// It looks at its socket between sleeps: data does not wake it.
#[test]
fn a_sleeper_with_a_non_blocking_socket_is_given_its_round() {
    let code = format!(
        "{UDP}s.setblocking(False)\nwhile True:\n try:\n  d, a = s.recvfrom(2048)\n  s.sendto(d.upper(), a)\n except BlockingIOError: pass\n time.sleep(0.4)"
    );
    let mut program = Program::python(&code);
    let to = program.port();
    assert_eq!(program.started().0.how, Rest::Polling);
    let ours = client();
    for requests in [1, 1, 1, 2] {
        for _ in 0..requests {
            ours.send_to(b"x", to).unwrap();
        }
        assert_eq!(program.answers(&ours, requests), (Rest::Polling, requests));
    }
}

#[test]
fn a_receive_with_a_timeout_is_timed() {
    let code = format!(
        "{UDP}s.settimeout(0.3)\ntry: s.recvfrom(2048)\nexcept TimeoutError: print('gave up', flush=True)\nsys.stdin.read()"
    );
    let mut program = Program::python(&code);
    program.port();
    let (settled, _) = program.started();
    assert_eq!((settled.how, settled.threads[0].call.as_str()), (Rest::Quiescent, "read"));
    assert_eq!(program.line(), "gave up");
}

#[test]
fn a_timeout_that_only_the_socket_knows_is_timed() {
    let code = format!(
        "{UDP}import struct\ns.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 300000))\ntry: s.recvfrom(2048)\nexcept BlockingIOError: print('gave up', flush=True)\nsys.stdin.read()"
    );
    let mut program = Program::python(&code);
    program.port();
    let (settled, _) = program.started();
    assert_eq!((settled.how, settled.threads[0].call.as_str()), (Rest::Quiescent, "read"));
    assert_eq!(program.line(), "gave up");
}

#[test]
fn a_loop_over_a_socket_timeout_is_polling() {
    let code = format!(
        "{UDP}import struct\ns.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('ll', 0, 300000))\nwhile True:\n try: s.recvfrom(2048)\n except BlockingIOError: pass"
    );
    let mut program = Program::python(&code);
    program.port();
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Polling);
    assert!(settled.threads[0].timed && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn an_alarm_is_no_rest() {
    let code = "import signal\nsignal.signal(signal.SIGALRM, lambda *a: print('rang', flush=True) or sys.exit())\nsignal.alarm(1)\nsys.stdin.read()";
    let mut program = Program::python(code);
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Gone);
    assert!(took > Duration::from_millis(900), "{took:?}");
    assert_eq!(program.line(), "rang");
}

#[test]
fn a_busy_loop_meets_the_deadline_by_processor_time() {
    let mut program = Program::python("while True: pass");
    let budget = Budget { wall: Duration::from_secs(60), cpu: Duration::from_millis(300) };
    let (settled, took) = program.rest(Purpose::Settle, budget);
    assert_eq!((settled.how, settled.threads[0].call.as_str()), (Rest::Deadline, "running"));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn all_threads_are_seen() {
    let code = format!(
        "{UDP}import threading\nfor i in range(3): threading.Thread(target=lambda: s.recvfrom(9)).start()\nsys.stdin.read()"
    );
    let mut program = Program::python(&code);
    program.port();
    let (settled, _) = program.started();
    assert_eq!((settled.how, settled.threads.len()), (Rest::Quiescent, 4));
    assert_eq!(settled.threads.iter().filter(|thread| thread.call == "recv").count(), 3);
}

/// The main thread does nothing but sleep, second by second, while others serve.
#[test]
fn a_sleeping_main_thread_is_learned() {
    let code = format!(
        "{UDP}import threading\ndef serve():\n while True:\n  d, a = s.recvfrom(9)\n  s.sendto(d, a)\nthreading.Thread(target=serve, daemon=True).start()\nwhile True: time.sleep(0.5)"
    );
    let mut program = Program::python(&code);
    let to = program.port();
    assert_eq!(program.started().0.how, Rest::Polling);
    let ours = client();
    let mut heard = 0;
    ours.send_to(b"x", to).unwrap();
    let (settled, took) = program.rest_while(Purpose::Settle, Budget::SETTLE, || take(&ours, &mut heard));
    assert_eq!((settled.how, heard), (Rest::Polling, 1));
    assert!(took < Duration::from_millis(1500), "{took:?}");
}

/// Two pauses one after the other are as long as both: a timer of the program runs through them.
#[test]
fn a_pause_is_not_cut_short_for_a_program_with_a_timer() {
    let code = format!(
        "{UDP}s.settimeout(0.5)\ntry: s.recvfrom(9)\nexcept TimeoutError: print('gave up', flush=True)\nsys.stdin.read()"
    );
    let mut program = Program::python(&code);
    program.port();
    let pause = Budget { wall: Duration::from_millis(350), cpu: Duration::MAX };
    let begun = Instant::now();
    let (first, _) = program.rest(Purpose::Pause, pause);
    let (second, _) = program.rest(Purpose::Pause, pause);
    assert_eq!((first.how, second.how), (Rest::Deadline, Rest::Quiescent));
    assert!(begun.elapsed() > Duration::from_millis(400));
    assert_eq!(program.line(), "gave up");
}

#[test]
fn a_pause_is_cut_short_for_a_program_without_one() {
    let mut program = Program::python("sys.stdin.read()");
    let pause = Budget { wall: Duration::from_secs(30), cpu: Duration::MAX };
    let (settled, took) = program.rest(Purpose::Pause, pause);
    assert_eq!(settled.how, Rest::Quiescent);
    assert!(took < Duration::from_secs(5));
}

#[test]
fn a_daemon_is_still_the_program_and_then_gone() {
    let code = "if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nprint(os.getpid(), flush=True)\nsys.stdin.readline()";
    let mut program = Program::python(code);
    let daemon: u32 = program.line().parse().unwrap();
    let (settled, _) = program.settle();
    assert_eq!((settled.how, settled.threads.len(), settled.threads[0].pid), (Rest::Quiescent, 1, daemon));
    program.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(program.settle().0.how, Rest::Gone);
}

#[test]
fn a_long_wait_is_not_sat_out() {
    let mut program = Program::python("time.sleep(100)");
    let (settled, took) = program.started();
    assert_eq!(settled.how, Rest::Polling, "{settled:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_connection_that_was_closed_is_orphaned() {
    let code = "s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\nprint(s.getsockname()[1], flush=True)\nc, a = s.accept()\nsys.stdin.readline()\nc.close()\nsys.stdin.read()";
    let mut program = Program::python(code);
    let to = program.port();
    let mut stream = TcpStream::connect(to).unwrap();
    let ours = stream.local_addr().unwrap();
    assert_eq!(program.settle().0.how, Rest::Quiescent);
    let states: Vec<_> = program.watch.sockets().into_iter().map(|socket| (socket.state, socket.remote)).collect();
    assert!(states.contains(&(SocketState::Listening, None)) && states.contains(&(SocketState::Connected, Some(ours))));
    assert!(!program.watch.orphaned(to, ours));
    program.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0);
    program.settle();
    assert!(program.watch.orphaned(to, ours));
}

/// An error that waits in a socket is the program's to see.
#[test]
fn to_ask_a_socket_takes_nothing_from_it() {
    let code = format!(
        "{UDP}t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nt.bind(('127.0.0.1', 0))\nto = t.getsockname(); t.close()\ns.connect(to); s.send(b'x'); print('sent', flush=True)\nsys.stdin.readline()\ns.setblocking(False)\ntry: s.recv(9)\nexcept Exception as e: print(type(e).__name__, flush=True)"
    );
    let mut program = Program::python(&code);
    program.port();
    assert_eq!(program.line(), "sent");
    assert_eq!(program.settle().0.how, Rest::Quiescent);
    assert_eq!(program.watch.sockets().len(), 1);
    program.child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert_eq!(program.line(), "ConnectionRefusedError");
}

#[test]
fn what_is_unread_is_told() {
    let code = "s = socket.socket()\ns.bind(('127.0.0.1', 0))\ns.listen()\nprint(s.getsockname()[1], flush=True)\nc, a = s.accept()\nsys.stdin.read()";
    let mut program = Program::python(code);
    let to = program.port();
    let mut first = TcpStream::connect(to).unwrap();
    let _second = TcpStream::connect(to).unwrap();
    first.write_all(b"12345").unwrap();
    assert_eq!(program.settle().0.how, Rest::Quiescent);
    let unread: Vec<_> = program.watch.sockets().iter().map(|socket| (socket.state, socket.unread)).collect();
    assert!(unread.contains(&(SocketState::Listening, 1)), "{unread:?}");
    assert!(unread.contains(&(SocketState::Connected, 5)), "{unread:?}");
}

#[test]
fn a_stopped_program_is_not_at_rest() {
    let mut program = Program::python("import signal\nprint('up', flush=True)\nos.kill(os.getpid(), signal.SIGSTOP)");
    assert_eq!(program.line(), "up");
    let budget = Budget { wall: Duration::from_millis(300), cpu: Duration::from_secs(10) };
    let (settled, took) = program.rest(Purpose::Settle, budget);
    assert_eq!((settled.how, settled.threads[0].call.as_str()), (Rest::Deadline, "stopped"));
    assert!(took > Duration::from_secs(1), "stopped time counts for little: {took:?}");
}

/// In C, `main` may end by itself with other threads running; the process then looks dead.
#[test]
fn threads_outlive_their_main() {
    let code = "import ctypes, threading\nthreading.Thread(target=sys.stdin.buffer.raw.read, args=(1,)).start()\nprint('up', flush=True)\nctypes.CDLL(None).syscall(60, 0)";
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let mut program = Program::python(code);
    assert_eq!(program.line(), "up");
    let (settled, _) = program.settle();
    assert_eq!(settled.how, Rest::Quiescent);
}

/// Each child lives for a millisecond or two: it may be born after the processes were counted, and be
/// gone before it is looked at.
#[test]
fn one_that_starts_children_all_the_time_is_not_at_rest() {
    for starts_a_child in ["x=$(/bin/true)", "/bin/true"] {
        let code = format!("i=0; while [ $i -lt 1000 ]; do {starts_a_child}; i=$((i+1)); done; echo done; read x");
        let mut program = Program::start(Command::new("bash").arg("-c").arg(code));
        let budget = Budget { wall: Duration::from_secs(100), cpu: Duration::from_secs(100) };
        program.watch.begin(Purpose::Settle, budget);
        let settled = loop {
            match program.watch.look() {
                Some(settled) => break settled,
                None => std::thread::sleep(Duration::from_micros(450)),
            }
        };
        let [thread] = settled.threads.as_slice() else { panic!("{settled:?}") };
        assert_eq!((thread.call.as_str(), thread.descriptor), ("read", Some(0)), "{settled:?}");
        program.child.stdin.take();
        assert_eq!(program.line(), "done");
    }
}

/// Who is counted and then gone may have woken others that were already seen asleep.
#[test]
fn a_look_at_one_that_has_just_ended_is_no_calm_one() {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};

    let _alone = alone();
    let mut child = Command::new("true").spawn().unwrap();
    let (own, pid) = (std::process::id(), nix::unistd::Pid::from_raw(child.id().cast_signed()));
    waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).unwrap();
    let both = super::tree::Family { alive: vec![own, child.id()], ..Default::default() };
    assert!(super::look::look(&super::files::Files::default(), &both, &[]).in_transit, "a zombie");
    child.wait().unwrap();
    assert!(super::look::look(&super::files::Files::default(), &both, &[]).in_transit, "nobody");
}
