//! The three services of a node.

use crate::amf::Amf;
use crate::ckpt::Ckpt;
use crate::clm::Clm;
use crate::{Config, Delivery, Digest, Effects, Service as _};
use ais_proto::ServiceId;

/// The services.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) clm: Clm,
    pub(crate) amf: Amf,
    pub(crate) ckpt: Ckpt,
}

/// One of the services.
pub(crate) enum Each<'a> {
    Clm(&'a mut Clm),
    Amf(&'a mut Amf),
    Ckpt(&'a mut Ckpt),
}

/// AMF as it starts.
pub(crate) fn amf(config: &Config) -> Amf {
    Amf::new(config.node, config.node_name.clone(), config.groups.clone())
}

/// In this order they are told of what concerns all of them.
pub(crate) const ALL: [ServiceId; 3] = [ServiceId::Clm, ServiceId::Amf, ServiceId::Ckpt];

impl Services {
    /// The services of a node that starts.
    pub(crate) fn new(config: &Config) -> Self {
        let ckpt = Ckpt::new(config.node, config.ckpt, config.pace);
        Self { clm: Clm::new(config), amf: amf(config), ckpt }
    }

    /// The service of this name; Admin has no replicated state and is none.
    pub(crate) fn each(&mut self, service: ServiceId) -> Option<Each<'_>> {
        Some(match service {
            ServiceId::Clm => Each::Clm(&mut self.clm),
            ServiceId::Amf => Each::Amf(&mut self.amf),
            ServiceId::Ckpt => Each::Ckpt(&mut self.ckpt),
            ServiceId::Admin => return None,
        })
    }

    pub(crate) fn deliver(&mut self, service: ServiceId, delivery: Delivery<'_>, fx: &mut Effects) {
        match service {
            ServiceId::Clm => self.clm.on_deliver(delivery, fx),
            ServiceId::Amf => self.amf.on_deliver(delivery, fx),
            ServiceId::Ckpt => self.ckpt.on_deliver(delivery, fx),
            ServiceId::Admin => {}
        }
    }

    /// The frozen state of those that have one to bring together.
    pub(crate) fn snapshot(&mut self) -> Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>> {
        let amf = self.amf.snapshot().map(|chunk| (ServiceId::Amf, chunk));
        let ckpt = self.ckpt.take_frozen(true).map(|chunk| (ServiceId::Ckpt, chunk));
        Box::new(amf.chain(ckpt))
    }

    /// The same, without what sections of checkpoints hold.
    pub(crate) fn heads(&mut self) -> Box<dyn Iterator<Item = (ServiceId, Vec<u8>)>> {
        let amf = self.amf.snapshot().map(|chunk| (ServiceId::Amf, chunk));
        let ckpt = self.ckpt.take_frozen(false).map(|chunk| (ServiceId::Ckpt, chunk));
        Box::new(amf.chain(ckpt))
    }

    pub(crate) fn digest(&self, with_amf: bool) -> u64 {
        let mut digest = Digest::default();
        self.clm.digest(&mut digest);
        if with_amf {
            self.amf.digest(&mut digest);
        }
        self.ckpt.digest(&mut digest);
        digest.value()
    }
}
