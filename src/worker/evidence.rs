//! Files of captured packets, for Wireshark: one a scenario, in the format pcapng
//! (draft-ietf-opsawg-pcapng).

use std::io;

use camino::Utf8Path;

use crate::event::Record;
use crate::observe::capture::Packets;
use crate::plan::model::{Plan, Scenario};

/// Writes the packets of a scenario to `FOLDER/SCENARIO.pcapng`, each with what was being done when it
/// appeared, and what is wrong with it.
///
/// # Errors
/// The file cannot be written.
#[cfg(target_os = "linux")]
pub(super) fn write(
    folder: &Utf8Path,
    plan: &Plan,
    scenario: &Scenario,
    record: &Record,
    packets: &Packets,
) -> io::Result<()> {
    if packets.frames.is_empty() {
        return Ok(());
    }
    let bytes = linux::file(plan, scenario, record, packets).map_err(io::Error::other)?;
    std::fs::write(folder.join(format!("{}.pcapng", scenario.id)), bytes)
}

/// Elsewhere there are no packets.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub(super) fn write(_: &Utf8Path, _: &Plan, _: &Scenario, _: &Record, _: &Packets) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use pcap_file::pcapng::PcapNgWriter;
    use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
    use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption};
    use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
    use pcap_file::{DataLink, PcapError};

    use crate::event::{Fact, Record};
    use crate::judge::check::{Outcome, evaluate};
    use crate::judge::facts::View;
    use crate::observe::capture::Packets;
    use crate::plan::model::{Plan, Scenario};
    use crate::text::tame;

    pub(super) fn file(
        plan: &Plan,
        scenario: &Scenario,
        record: &Record,
        packets: &Packets,
    ) -> Result<Vec<u8>, PcapError> {
        let missing = record.events.iter().find_map(|event| match &event.fact {
            Fact::PacketsMissing { left_out, lost } => Some(format!("; {} more packets are not here", left_out + lost)),
            _ => None,
        });
        let about = format!("{}: {}{}", plan.role.words(), scenario.title, missing.unwrap_or_default());
        let program = concat!("sockspec ", env!("CARGO_PKG_VERSION"));
        let section = SectionHeaderBlock {
            options: vec![
                SectionHeaderOption::Comment(about.into()),
                SectionHeaderOption::UserApplication(program.into()),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut file = PcapNgWriter::with_section_header(Vec::new(), section)?;
        file.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: 0,
            // Nanoseconds: 10 to the power of minus nine.
            options: vec![InterfaceDescriptionOption::IfName("lo".into()), InterfaceDescriptionOption::IfTsResol(9)],
        })?;
        let faults = faults(plan, scenario, record);
        for (number, frame) in packets.frames.iter().enumerate() {
            let step =
                packets.caption(frame.nanos).filter(|words| !words.is_empty()).map(|words| format!("step: {words}"));
            let wrong = faults.get(&number).into_iter().flatten().cloned();
            let comments = step.into_iter().chain(wrong).map(|text| tame(&text).into_owned().replace('\n', " "));
            file.write_pcapng_block(EnhancedPacketBlock {
                interface_id: 0,
                timestamp: Duration::from_nanos(frame.nanos),
                original_len: u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX),
                data: frame.bytes.as_slice().into(),
                options: comments.map(|text| EnhancedPacketOption::Comment(text.into())).collect(),
            })?;
        }
        Ok(file.into_inner())
    }

    /// What does not hold, by the number of the packet that shows it.
    fn faults(plan: &Plan, scenario: &Scenario, record: &Record) -> BTreeMap<usize, Vec<String>> {
        let seen: Vec<usize> = (0..record.events.len())
            .filter(|index| matches!(record.events[*index].fact, Fact::Packet { .. } | Fact::Unreachable { .. }))
            .collect();
        let view = View::whole(record);
        let mut faults: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for check in &scenario.checks {
            let (Outcome::Fails(failure) | Outcome::Absent(failure)) = evaluate(plan, check, record) else { continue };
            let packet = failure.event.and_then(|event| view.packet_of(event));
            if let Some(Ok(number)) = packet.map(|packet| seen.binary_search(&packet)) {
                let text =
                    format!("{} fails: expected that {}; {}", check.requirement, failure.expected, failure.actual);
                faults.entry(number).or_default().push(text);
            }
        }
        faults
    }
}
