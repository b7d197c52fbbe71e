//! The three services of a node.

use crate::amf::Amf;
use crate::ckpt::Ckpt;
use crate::clm::Clm;
use crate::{Config, Delivery, Digest, Effects, Service as _};
use ais_proto::Service;

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
pub(crate) const ALL: [Service; 3] = [Service::Clm, Service::Amf, Service::Ckpt];

impl Services {
    /// The services of a node that starts.
    pub(crate) fn new(config: &Config) -> Self {
        let ckpt = Ckpt::new(config.node, config.ckpt, config.pace);
        Self { clm: Clm::new(config), amf: amf(config), ckpt }
    }

    /// The service of this name; Admin has no replicated state and is none.
    pub(crate) fn each(&mut self, service: Service) -> Option<Each<'_>> {
        Some(match service {
            Service::Clm => Each::Clm(&mut self.clm),
            Service::Amf => Each::Amf(&mut self.amf),
            Service::Ckpt => Each::Ckpt(&mut self.ckpt),
            Service::Admin => return None,
        })
    }

    pub(crate) fn deliver(&mut self, service: Service, delivery: Delivery<'_>, fx: &mut Effects) {
        match service {
            Service::Clm => self.clm.on_deliver(delivery, fx),
            Service::Amf => self.amf.on_deliver(delivery, fx),
            Service::Ckpt => self.ckpt.on_deliver(delivery, fx),
            Service::Admin => {}
        }
    }

    /// The frozen state of those that have one to bring together.
    pub(crate) fn snapshot(&mut self) -> Box<dyn Iterator<Item = (Service, Vec<u8>)>> {
        let amf = self.amf.snapshot().map(|chunk| (Service::Amf, chunk));
        let ckpt = self.ckpt.take_frozen(true).map(|chunk| (Service::Ckpt, chunk));
        Box::new(amf.chain(ckpt))
    }

    /// The same, without what sections of checkpoints hold.
    pub(crate) fn heads(&mut self) -> Box<dyn Iterator<Item = (Service, Vec<u8>)>> {
        let amf = self.amf.snapshot().map(|chunk| (Service::Amf, chunk));
        let ckpt = self.ckpt.take_frozen(false).map(|chunk| (Service::Ckpt, chunk));
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
