//! What is in a packet.

use std::net::{IpAddr, SocketAddr};

use etherparse::{Icmpv4Type, Icmpv6Type, LaxSlicedPacket, NetSlice, SlicedPacket, TransportSlice, icmpv4, icmpv6};

use crate::event::{Fact, Flag};
use crate::ids::Transport;
use crate::text::Bytes;

/// The bytes of a packet that a fact keeps.
const KEEP: usize = 512;

/// What a packet says, from its IP header on: a [`Fact::Packet`], or a [`Fact::Unreachable`]. `None`
/// if it is neither, or no packet at all.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Fact> {
    let packet = SlicedPacket::from_ip(bytes).ok()?;
    let (source, destination): (IpAddr, IpAddr) = match packet.net? {
        NetSlice::Ipv4(net) => (net.header().source_addr().into(), net.header().destination_addr().into()),
        NetSlice::Ipv6(net) => (net.header().source_addr().into(), net.header().destination_addr().into()),
        _ => return None,
    };
    let between = |from, to| (SocketAddr::new(source, from), SocketAddr::new(destination, to));
    match packet.transport? {
        TransportSlice::Tcp(tcp) => {
            let (from, to) = between(tcp.source_port(), tcp.destination_port());
            let all = [
                (tcp.syn(), Flag::Syn),
                (tcp.fin(), Flag::Fin),
                (tcp.rst(), Flag::Rst),
                (tcp.psh(), Flag::Psh),
                (tcp.ack(), Flag::Ack),
            ];
            let flags = all.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
            Some(fact(Transport::Tcp, from, to, flags, tcp.payload()))
        }
        TransportSlice::Udp(udp) => {
            let (from, to) = between(udp.source_port(), udp.destination_port());
            Some(fact(Transport::Udp, from, to, Vec::new(), udp.payload()))
        }
        TransportSlice::Icmpv4(icmp) => {
            let port = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Port);
            (icmp.icmp_type() == port).then(|| returned(icmp.payload()))?
        }
        TransportSlice::Icmpv6(icmp) => {
            let port = Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port);
            (icmp.icmp_type() == port).then(|| returned(icmp.payload()))?
        }
        _ => None,
    }
}

fn fact(transport: Transport, from: SocketAddr, to: SocketAddr, flags: Vec<Flag>, payload: &[u8]) -> Fact {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    Fact::Packet { transport, from, to, flags, length, bytes: Bytes::from(&payload[..payload.len().min(KEEP)]) }
}

/// The datagram that could not be delivered: its beginning comes back with the error.
fn returned(beginning: &[u8]) -> Option<Fact> {
    let packet = LaxSlicedPacket::from_ip(beginning).ok()?;
    let (source, destination): (IpAddr, IpAddr) = match packet.net? {
        etherparse::LaxNetSlice::Ipv4(net) => {
            (net.header().source_addr().into(), net.header().destination_addr().into())
        }
        etherparse::LaxNetSlice::Ipv6(net) => {
            (net.header().source_addr().into(), net.header().destination_addr().into())
        }
        _ => return None,
    };
    match packet.transport? {
        TransportSlice::Udp(udp) => Some(Fact::Unreachable {
            from: SocketAddr::new(source, udp.source_port()),
            to: SocketAddr::new(destination, udp.destination_port()),
        }),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use etherparse::{PacketBuilder, PacketBuilderStep};
    use proptest::prelude::*;

    use super::*;

    const CLIENT: [u8; 4] = [127, 0, 0, 1];
    const SERVER: [u8; 4] = [127, 0, 0, 2];

    fn datagram(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ipv4(CLIENT, SERVER, 64).udp(40000, 12000).write(&mut bytes, payload).unwrap();
        bytes
    }

    fn segment(step: PacketBuilderStep<etherparse::TcpHeader>, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        step.write(&mut bytes, payload).unwrap();
        bytes
    }

    #[test]
    fn a_datagram() {
        let wanted = fact(Transport::Udp, (CLIENT, 40000).into(), (SERVER, 12000).into(), Vec::new(), b"hello");
        assert_eq!(decode(&datagram(b"hello")), Some(wanted));
    }

    #[test]
    fn a_segment_with_its_flags_in_ipv6() {
        let one = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let step = PacketBuilder::ipv6(one, one, 64).tcp(40000, 12000, 1, 1000).fin().psh().ack(7);
        let Some(Fact::Packet { from, flags, bytes, .. }) = decode(&segment(step, b"bye")) else { panic!("no packet") };
        assert_eq!(from, "[::1]:40000".parse().unwrap());
        assert_eq!(flags, [Flag::Fin, Flag::Psh, Flag::Ack]);
        assert_eq!(bytes.0, b"bye");
    }

    #[test]
    fn of_a_long_one_the_beginning_is_kept() {
        let Some(Fact::Packet { length, bytes, .. }) = decode(&datagram(&[b'x'; 2048])) else { panic!("no packet") };
        assert_eq!((length, bytes.0.len()), (2048, KEEP));
    }

    #[test]
    fn a_port_that_nobody_has() {
        let mut bytes = Vec::new();
        let unreachable = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Port);
        // No more than the header and eight bytes need come back (RFC 792).
        let returned = &datagram(b"a long sentence")[..28];
        PacketBuilder::ipv4(SERVER, CLIENT, 64).icmpv4(unreachable).write(&mut bytes, returned).unwrap();
        let wanted = Fact::Unreachable { from: (CLIENT, 40000).into(), to: (SERVER, 12000).into() };
        assert_eq!(decode(&bytes), Some(wanted));
    }

    proptest! {
        #[test]
        fn rubbish_is_no_packet_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_damaged_packet_is_no_panic(at in 0_usize..80, value in any::<u8>(), length in 0_usize..90, tcp in any::<bool>()) {
            let mut bytes = if tcp {
                segment(PacketBuilder::ipv4(CLIENT, SERVER, 64).tcp(1, 2, 3, 4).syn(), &[7; 40])
            } else {
                datagram(&[7; 40])
            };
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
            bytes.truncate(length);
            let _ = decode(&bytes);
        }
    }
}
