//! Rebuilds when a migration is added: `sqlx::migrate!` reads the folder, which cargo does not watch by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=email_templates");
    println!("cargo:rerun-if-changed=src/web/pages");
    println!("cargo:rerun-if-changed=src/web/static");
}
