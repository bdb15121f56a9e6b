using System.Buffers.Binary;
using Btrfs.Fidelity.Devices;
using Btrfs.Format;

namespace Btrfs.Crash.Running;

/// <summary>When the (whole) superblock of each commit was begun to be written, and when it was durable on a device, by the events of the recorder.</summary>
internal sealed class CommitTimes
{
    private const int GenerationOffset = 72;
    private readonly List<(ulong Generation, int Begun, int Durable)> _commits = [];
    private readonly ulong _first;

    /// <param name="events">What happened.</param>
    /// <param name="first">The generation at time 0.</param>
    public CommitTimes(IReadOnlyList<DeviceEvent> events, ulong first)
    {
        _first = first;
        Dictionary<int, ulong> unflushed = [];
        for (int time = 0; time < events.Count; time++)
        {
            (int device, DeviceWrite? write) = events[time];
            if (write is null)
            {
                if (unflushed.Remove(device, out ulong generation))
                    NoteDurable(generation, time + 1);
            }
            else if (write.Value.Offset == FormatLimits.SuperblockOffsets[0] && write.Value.Data.Length == FormatLimits.SuperblockSize)
            {
                ulong generation = BinaryPrimitives.ReadUInt64LittleEndian(write.Value.Data.AsSpan(GenerationOffset));
                unflushed[device] = generation;
                if (!_commits.Exists(commit => commit.Generation == generation))
                    _commits.Add((generation, time + 1, int.MaxValue));
            }
        }
    }

    /// <summary>The generations of the commits that came to their superblock, and a time at which it was begun on one device.</summary>
    public IEnumerable<(ulong Generation, int Begun)> Commits => _commits.Select(commit => (commit.Generation, commit.Begun));

    /// <summary>Which commits a crash at a time may leave as the last one.</summary>
    public (ulong Least, ulong Most) At(int time)
    {
        ulong least = _first;
        ulong most = _first;
        foreach ((ulong generation, int begun, int durable) in _commits)
        {
            if (durable <= time)
                least = generation;
            if (begun <= time)
                most = generation;
        }

        return (least, most);
    }

    private void NoteDurable(ulong generation, int time)
    {
        int index = _commits.FindIndex(commit => commit.Generation == generation);
        if (_commits[index].Durable == int.MaxValue)
            _commits[index] = _commits[index] with { Durable = time };
    }
}
