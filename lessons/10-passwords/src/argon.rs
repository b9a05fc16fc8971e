//! Argon2id, counted: how many hashes, how many at once, and how much memory they filled.

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHasher, Version,
    password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt},
};
use lab::{Backend, Counter, Gauge, Probes};

/// What a hash costs from today on: OWASP's minimum for argon2id, 19 MiB and two passes over them, one lane.
pub const POLICY: Params = Params::DEFAULT;

/// How much of the memory that its price names a hash really fills. What is counted is always the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(u32);

impl Scale {
    /// All of it, as in a service.
    pub const WHOLE: Self = Self(1);
    /// A sixteenth, for checks: they count, and somebody waits for what they say.
    pub const SIXTEENTH: Self = Self(16);

    fn of(self, price: &Params) -> argon2::Result<Params> {
        let memory = (price.m_cost() / self.0).max(Params::MIN_M_COST);
        Params::new(memory, price.t_cost(), price.p_cost(), price.output_len())
    }
}

/// The hash function. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Argon {
    scale: Scale,
    computed: Counter,
    outdated: Counter,
    filled: Counter,
    buffers: Counter,
    running: Gauge,
    peers: Backend,
}

/// The memory that a hash is computed in. It grows to what the parameters ask for, and can be used again.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Argon {
    /// The hash function, as the experiment counts it.
    pub fn new(probes: &Probes) -> Self {
        Self::scaled(probes, Scale::WHOLE)
    }

    /// The same with less work. What it computes fits accounts of the same scale only.
    pub fn scaled(probes: &Probes, scale: Scale) -> Self {
        Self {
            scale,
            computed: probes.counter("hashes computed"),
            outdated: probes.counter("hashes at an old price"),
            filled: probes.counter("MiB filled"),
            buffers: probes.counter("buffers allocated"),
            running: probes.gauge("hashes at once"),
            peers: probes.backend("logins at the hash function"),
        }
    }

    /// Memory for hashes, still to be filled.
    pub fn memory(&self) -> Memory {
        self.buffers.add_one();
        Memory::default()
    }

    /// Whether the password is the one that the hash was made of. Blocks its thread for tens of milliseconds.
    ///
    /// Allocates the memory and gives it back, as `argon2::PasswordVerifier` does.
    pub fn verify(&self, password: &str, hash: &PasswordHash) -> bool {
        self.verify_in(&mut self.memory(), password, hash)
    }

    /// The same in memory that the caller keeps.
    ///
    /// # Panics
    /// If the hash was not made by argon2id.
    #[expect(clippy::expect_used, reason = "the table holds what this module has written")]
    pub fn verify_in(&self, memory: &mut Memory, password: &str, hash: &PasswordHash) -> bool {
        // The parameters of the stored hash and not today's: else no old password would ever be right again.
        let params = Params::try_from(hash).expect("the hash names its parameters");
        let salt = hash.salt.expect("the hash has a salt");
        let output = self.compute(memory, password, &salt, &params);
        // `Output` compares in constant time.
        Output::new(&output).is_ok_and(|output| Some(output) == hash.hash)
    }

    /// A new hash of the password, at today's price.
    ///
    /// # Panics
    /// If the system has no randomness to give.
    pub fn hash_in(&self, memory: &mut Memory, password: &str) -> PasswordHash {
        let salt = random_salt();
        let output = self.compute(memory, password, &salt, &POLICY);
        phc(&POLICY, salt, &output)
    }

    fn compute(&self, memory: &mut Memory, password: &str, salt: &[u8], params: &Params) -> [u8; 32] {
        let _running = self.running.enter();
        self.computed.add_one();
        if is_outdated(params) {
            self.outdated.add_one();
        }
        for _ in 0..params.m_cost() * params.t_cost() / 1024 {
            self.filled.add_one();
        }
        // In a gated run: waits until all who could be here at once are here.
        self.peers.call_blocking();
        fill(memory, password, salt, params, self.scale)
    }
}

/// A hash that was stored before anything was counted.
pub(crate) fn stored(password: &str, price: &Params, scale: Scale) -> PasswordHash {
    let salt = random_salt();
    let output = fill(&mut Memory::default(), password, &salt, price, scale);
    phc(price, salt, &output)
}

#[expect(clippy::expect_used, reason = "a hash without a random salt must not be stored")]
fn random_salt() -> Salt {
    // A cheap hash of nothing, only to get a random salt from it.
    let salted = Argon2::from(cheapest()).hash_password(b"").expect("the system gives random bytes");
    salted.salt.expect("the hash has a salt")
}

#[expect(clippy::expect_used, reason = "salt and output have lengths that argon2 allows")]
fn fill(memory: &mut Memory, password: &str, salt: &[u8], price: &Params, scale: Scale) -> [u8; 32] {
    let params = scale.of(price).expect("less of what argon2 allows, and never less than its minimum");
    memory.0.resize(params.block_count(), Block::default());
    let mut output = [0; 32];
    Argon2::from(params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut output, &mut memory.0)
        .expect("a salt of 16 bytes and an output of 32");
    output
}

/// Whether the parameters are weaker than today's.
pub fn is_outdated(params: &Params) -> bool {
    params.m_cost() < POLICY.m_cost() || params.t_cost() < POLICY.t_cost()
}

/// What the hash says of its price.
///
/// # Panics
/// If the hash was not made by argon2id.
#[expect(clippy::expect_used, reason = "the table holds what this module has written")]
pub fn price(hash: &PasswordHash) -> Params {
    Params::try_from(hash).expect("the hash names its parameters")
}

/// A hash at that price which no password is known for.
///
/// # Panics
/// If the parameters cannot be written, which argon2's own always can.
#[expect(clippy::expect_used, reason = "16 bytes are a salt")]
pub fn nobodys(params: &Params) -> PasswordHash {
    phc(params, Salt::new(&[0; 16]).expect("16 bytes are a salt"), &[0; 32])
}

/// Parameters that a test suite uses to be quick: 8 KiB, one pass.
///
/// # Panics
/// Never: they are argon2's own minimum.
#[expect(clippy::expect_used, reason = "argon2's own minimum")]
pub fn cheapest() -> Params {
    Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None).expect("the minimum")
}

#[expect(
    clippy::expect_used,
    reason = "identifier, parameters and output are such that the format allows them"
)]
fn phc(params: &Params, salt: Salt, output: &[u8; 32]) -> PasswordHash {
    PasswordHash {
        algorithm: Ident::new(Algorithm::Argon2id.as_str()).expect("a valid identifier"),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).expect("argon2's own parameters can be written"),
        salt: Some(salt),
        hash: Some(Output::new(output).expect("32 bytes are a valid hash")),
    }
}
