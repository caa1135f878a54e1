//! A PostgreSQL server of this test process alone, where its programs are installed. It ends with the process.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

/// Set to 1 where a real part that is missing is a failure.
const REQUIRED: &str = "REQUIRE_REAL_PARTS";

/// Starts the server, reports that it is ready, and ends it when the standard input closes: so even a killed test leaves
/// nothing behind.
const WATCH: &str = r#"
data=$1; bin=$2; port=$3
"$bin/postgres" -D "$data" >"$data/log" 2>&1 </dev/null &
server=$!
until "$bin/pg_isready" -q -h "$data" -p "$port"; do kill -0 $server || exit 1; done
echo ready
cat >/dev/null
kill -QUIT $server
wait $server
rm -rf "${data%/*}"
"#;

/// A running server.
pub struct Cluster {
    bin: PathBuf,
    data: PathBuf,
    user: Option<u32>,
    _watch: Child,
    _folder: TempDir,
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// The URL of a new database, or `None` where there is no server.
pub fn database() -> Option<String> {
    let cluster = required(|| CLUSTER.get_or_init(Cluster::start).as_ref())?;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    cluster.create(&name);
    Some(cluster.url(&name))
}

/// What `start` returns; says that the current test is skipped where it returns nothing.
pub fn required<T>(start: impl FnOnce() -> Option<T>) -> Option<T> {
    real_part("PostgreSQL server", start())
}

/// A real part; says that the current test is skipped where it is missing.
pub fn real_part<T>(what: &str, part: Option<T>) -> Option<T> {
    if part.is_none() {
        let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "1");
        assert!(!required, "there is no {what}, and {REQUIRED}=1");
        let number = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        let _ = writeln!(std::io::stderr(), "skipped ({number}): {test}: no {what}");
    }
    part
}

impl Cluster {
    /// A server of its own, for tests that end it.
    pub fn start() -> Option<Self> {
        Self::start_with(5432, "", &[])
    }

    /// A server of its own with settings and files, such as those of TLS. The port names its socket as well.
    pub fn start_with(port: u16, more_settings: &str, files: &[(&str, &str)]) -> Option<Self> {
        let bin = programs()?;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let user = other_user();
        if let Some(user) = user {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
            for owned in [folder.path(), &data] {
                std::os::unix::fs::chown(owned, Some(user), None).unwrap();
            }
        }
        let mut initialise = as_user(&bin.join("initdb"), user);
        initialise.args(["--no-sync", "--auth=trust", "--username=tests", "--encoding=UTF8", "--locale=C", "-D"]);
        let done = initialise.arg(&data).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        // No address: only a socket in the folder, so no port can be taken.
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\nmax_connections = 200\nport = {port}\n{more_settings}",
            data.display()
        );
        for (name, content) in files {
            use std::os::unix::fs::PermissionsExt;
            std::fs::write(data.join(name), content).unwrap();
            std::fs::set_permissions(data.join(name), PermissionsExt::from_mode(0o600)).unwrap();
            std::os::unix::fs::chown(data.join(name), user, None).unwrap();
        }
        let mut file = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let mut watch = as_user(Path::new("/bin/sh"), user)
            .args(["-c", WATCH, "watch"])
            .args([&data, &bin])
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        let started = watch.stdout.as_mut().unwrap().read_exact(&mut ready);
        assert!(started.is_ok(), "{}", std::fs::read_to_string(data.join("log")).unwrap_or_default());
        Some(Self { bin, data, user, _watch: watch, _folder: folder })
    }

    /// Creates a database.
    pub fn create(&self, name: &str) {
        let mut create = as_user(&self.bin.join("createdb"), self.user);
        let done = create.arg("-h").arg(&self.data).args(["-U", "tests", name]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Kills a process of the server that works for a store: all others end too, and the server starts again from its log.
    /// Returns whether there was one.
    pub fn crash(&self) -> bool {
        let sql = "select pid from pg_stat_activity where application_name = 'connector-store'";
        let Ok(mut client) = postgres::Client::connect(&self.url("kept"), postgres::NoTls) else { return false };
        let Ok(Some(row)) = client.query_opt(sql, &[]) else { return false };
        let pid: i32 = row.get(0);
        if !Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success() {
            return false;
        }
        // The server takes a moment to notice, and then ends this connection as well. A process that was about to end by
        // itself takes itself off the list, and nothing follows.
        let is_listed = "select pid from pg_stat_activity where pid = $1";
        loop {
            match client.query_opt(is_listed, &[&pid]) {
                Ok(Some(_)) => {}
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    /// Ends what processes that were killed left behind in a database, as the server does on its own later.
    pub fn end_sessions(&self, name: &str) {
        let sql = "select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = $1";
        let mut client = postgres::Client::connect(&self.url("kept"), postgres::NoTls).unwrap();
        client.query(sql, &[&name]).unwrap();
    }

    /// Waits until the server accepts connections.
    pub fn wait(&self) {
        while postgres::Client::connect(&self.url("kept"), postgres::NoTls).is_err() {
            std::thread::yield_now();
        }
    }

    /// The URL of a database: the host is the folder of the socket.
    pub fn url(&self, name: &str) -> String {
        let host = self.data.display().to_string().replace('/', "%2F");
        format!("postgres://tests@{host}/{name}")
    }
}

/// The folder of the server's programs.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<PathBuf> = std::env::split_paths(&path).chain(debian).collect();
    let needed = ["initdb", "postgres", "pg_isready", "createdb"];
    all.into_iter().find(|folder| needed.iter().all(|program| folder.join(program).is_file()))
}

/// The server refuses to run as root: then it runs as `nobody`.
fn other_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    const NOBODY: u32 = 65534;
    let own = tempfile::tempfile().unwrap().metadata().unwrap().uid();
    (own == 0).then_some(NOBODY)
}

fn as_user(program: &Path, user: Option<u32>) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = user {
        std::os::unix::process::CommandExt::uid(&mut command, user);
    }
    // A folder that the other user can enter.
    command.current_dir("/");
    command
}
