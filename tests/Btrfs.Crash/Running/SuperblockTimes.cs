using System.Buffers.Binary;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;

namespace Btrfs.Crash.Running;

/// <summary>What a superblock leads to: a commit, and a log beside it if that is not 0. Of logs of one commit, later ones may lie where earlier ones lay.</summary>
internal readonly record struct SuperblockVersion(ulong Generation, ulong LogRoot);

/// <summary>
/// When each version of the superblock was begun to be written, and when it was durable, by the events of the recorder. A commit is durable with the first
/// device that has it, as it is the newest. Of two logs of one commit none is newer than the other: so a log is durable when all devices have it that have the
/// commit. A device that missed writes has neither.
/// </summary>
internal sealed class SuperblockTimes
{
    private const int GenerationOffset = 72;
    private const int LogRootOffset = 96;
    private const int FirstSector = 512;

    private readonly List<Times> _versions;

    /// <param name="events">What happened.</param>
    /// <param name="first">The version at time 0.</param>
    /// <param name="devices">How many take superblocks at first.</param>
    public SuperblockTimes(IReadOnlyList<DeviceEvent> events, SuperblockVersion first, int devices)
    {
        _versions = [new Times(first) { Durable = 0 }];
        Dictionary<int, int> unflushed = [];
        for (int time = 0; time < events.Count; time++)
        {
            (int device, DeviceWrite? write) = events[time];
            if (write is null)
            {
                if (unflushed.Remove(device, out int index))
                    NoteDurable(index, time + 1, devices);
            }
            else if (write.Value.Offset == FormatLimits.SuperblockOffsets[0] && write.Value.Data.Length >= FirstSector)
            {
                ReadOnlySpan<byte> bytes = write.Value.Data;
                SuperblockVersion version = new(
                    BinaryPrimitives.ReadUInt64LittleEndian(bytes[GenerationOffset..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[LogRootOffset..]));

                // A log is named in the first sector, and nothing behind that changes: what a device that fails has half written is whole. Not so a commit.
                bool isWhole = bytes.Length == FormatLimits.SuperblockSize || version.Generation == _versions[^1].Version.Generation;
                // A device that a crash has left one commit behind, and with a torn copy, gets back what it has: the newest stays what it is.
                bool isBehind = version.Generation < _versions[^1].Version.Generation;
                if (!isWhole || isBehind)
                    continue;
                if (version != _versions[^1].Version || !_versions[^1].Writers.Add(device))
                    _versions.Add(new Times(version) { Begun = time + 1, Writers = { device } });
                unflushed[device] = _versions.Count - 1;
            }
        }
    }

    /// <summary>All versions in order, each with a time at which it was begun on one device.</summary>
    public IReadOnlyList<(SuperblockVersion Version, int Begun)> Versions => [.. _versions.Select(times => (times.Version, times.Begun))];

    /// <summary>Which versions, by their index, a crash at a time may leave as the last one.</summary>
    public (int Least, int Most) At(int time) =>
        (_versions.FindLastIndex(version => version.Durable <= time), _versions.FindLastIndex(version => version.Begun <= time));

    private void NoteDurable(int index, int time, int devices)
    {
        Times times = _versions[index];
        int commit = index;
        while (commit > 0 && _versions[commit - 1].Version.Generation == times.Version.Generation)
            commit--;

        int takers = commit == 0 ? devices : _versions[commit].Writers.Count;
        bool isCommit = index > 0 && index == commit;
        times.Flushes++;
        if (times.Durable == int.MaxValue && (isCommit || times.Flushes == takers))
            times.Durable = time;
    }

    private sealed class Times(SuperblockVersion version)
    {
        public SuperblockVersion Version { get; } = version;

        public HashSet<int> Writers { get; } = [];

        public int Begun { get; init; }

        public int Durable { get; set; } = int.MaxValue;

        public int Flushes { get; set; }
    }
}
