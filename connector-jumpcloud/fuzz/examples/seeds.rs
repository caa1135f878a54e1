//! Writes the seeds of each target into `corpus/<target>/`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    for target in connector_jumpcloud::fuzzing::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in target.seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
