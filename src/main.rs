//! temporary
#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]
use std::sync::Arc;
use sockspec::{batch::*, plan::library::*, ids::Role};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).map(String::as_str) == Some("worker") { sockspec::worker::serve().unwrap(); return; }
    let lib = Library::builtin().unwrap_or_else(|r| { for x in r { eprintln!("{}", x.render(false)) } panic!() });
    let dir = camino::Utf8PathBuf::from(&args[1]);
    let dialect = std::env::var("DIALECT").ok();
    let choice = Choice { dialect: dialect.as_deref(), assignment: None };
    let mut programs = vec![];
    for role in Role::ALL {
        let plan = match lib.plan(role, &choice) { Ok(p) => p, Err(r) => { for x in r { eprintln!("{}", x.render(false)) } continue } };
        let file = match role { Role::UdpServer => "UDPServer.py", Role::UdpClient => "UDPClient.py", Role::TcpServer => "TCPServer.py", Role::TcpClient => "TCPClient.py" };
        let (file, ok) = if let Some(r) = args.get(2) { (dir.file_name().unwrap().to_string(), r.parse::<Role>().unwrap() == role) } else { (file.to_string(), dir.join(file).exists()) };
        if !ok { continue }
        programs.push(Program { plan, path: file.clone(), language: "Python".into(), command: vec!["/usr/bin/python3".into(), file], trouble: None });
    }
    let req = Request { id: dir.to_string(), path: dir, programs, missing: vec![], assignment: None, limits: Default::default(), seed: None, jobs: 4, executable: std::env::current_exe().unwrap() };
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let t = std::time::Instant::now();
    let rec = rt.block_on(grade(req, Arc::new(|_| {}))).unwrap();
    let wall = t.elapsed();
    if std::env::var("DUMP").is_ok() { println!("{}", serde_json::to_string_pretty(&rec.programs.iter().map(|p| &p.record).collect::<Vec<_>>()).unwrap()); }
    let v = rec.judge();
    for p in &v.programs {
        println!("== {} {} starts {} {:.3}s score {}/{}", p.role, p.path, p.starts, p.micros as f64/1e6, p.score(), p.max_score());
        for r in &p.requirements {
            println!("{:8} {:9} {}", r.id, r.verdict.name(), match (&r.verdict, &r.finding) { (_, Some(f)) => format!("[{}] {} | exp: {} | got: {}", f.cause, f.explanation, f.expected, f.actual), (v, _) => if v.name()=="passed" { String::new() } else { format!("{v:?}") } });
        }
    }
    println!("wall {wall:?}");
}
