using Btrfs.Storage;

namespace Btrfs.Fidelity.Devices;

/// <summary>
/// Records what is written to the devices of one file system and when each was flushed, on one clock, and makes the states that a power cut at any time could
/// have left: all that a flush had covered is there; of the later writes any may be lost, come in any order, or be torn between sectors of 512 bytes.
/// </summary>
internal sealed class CrashRecorder
{
    private const int TearUnit = 512;
    private readonly Lock _lock = new();
    private readonly List<Entry> _log = [];
    private readonly List<RecordingDevice> _devices = [];

    /// <summary>How many writes and flushes there have been: the times at which a crash can be made, from 0 to this.</summary>
    public int Now
    {
        get
        {
            lock (_lock)
                return _log.Count;
        }
    }

    /// <summary>The times right after a flush of some device.</summary>
    public IReadOnlyList<int> FlushTimes
    {
        get
        {
            lock (_lock)
                return [.. Enumerable.Range(1, _log.Count).Where(time => _log[time - 1].Data is null)];
        }
    }

    /// <summary>All that happened so far, in order: what happened at index i is begun at time i and over at i + 1.</summary>
    public IReadOnlyList<DeviceEvent> Events
    {
        get
        {
            lock (_lock)
                return [.. _log.Select(entry => new DeviceEvent(_devices.IndexOf(entry.Device), entry.Data is null ? null : new DeviceWrite(entry.Offset, entry.Data)))];
        }
    }

    /// <param name="below">What the device holds at time 0. It is only read, and outlives the recorder.</param>
    /// <param name="flushTime">How long a flush takes.</param>
    public RecordingDevice Add(IBlockDevice below, TimeSpan flushTime = default)
    {
        RecordingDevice device = new(this, below) { FlushTime = flushTime };
        _devices.Add(device);
        return device;
    }

    /// <summary>The devices as a power cut may have left them, in the order they were added. They hold until the next call.</summary>
    /// <param name="time">The operations before it were begun; the last write of them may not have ended.</param>
    /// <param name="random">Chooses what survives.</param>
    public IReadOnlyList<MemoryOverlayDevice> CrashAt(int time, Random random) => CrashAt(time, unflushed => Survivors(unflushed, random));

    /// <summary>The same where the caller chooses.</summary>
    /// <param name="time">The operations before it were begun.</param>
    /// <param name="survive">Gets the writes of a device that no flush covers, in order, and returns those that reach the disk, in the order in which they do.</param>
    public IReadOnlyList<MemoryOverlayDevice> CrashAt(int time, Func<IReadOnlyList<DeviceWrite>, IEnumerable<DeviceWrite>> survive)
    {
        lock (_lock)
            return [.. _devices.Select(device => Crash(device, time, survive))];
    }

    internal void Record(RecordingDevice device, DeviceWrite? write)
    {
        lock (_lock)
        {
            if (write is { } data)
                device.Live.Write(data.Offset, data.Data);
            _log.Add(new Entry(device, write?.Offset ?? 0, write?.Data));
        }
    }

    private MemoryOverlayDevice Crash(RecordingDevice device, int time, Func<IReadOnlyList<DeviceWrite>, IEnumerable<DeviceWrite>> survive)
    {
        int flushed = time == 0 ? 0 : _log.FindLastIndex(time - 1, time, entry => entry.Device == device && entry.Data is null) + 1;
        int begin = device.RewindDurable(flushed);
        foreach (DeviceWrite write in WritesOf(device, begin, flushed))
            device.Durable.Write(write.Offset, write.Data);

        MemoryOverlayDevice left = new(device.Durable, leaveOpen: true);
        foreach (DeviceWrite write in survive([.. WritesOf(device, flushed, time)]))
            left.Write(write.Offset, write.Data);

        return left;
    }

    private IEnumerable<DeviceWrite> WritesOf(RecordingDevice device, int from, int to) =>
        _log.Take(from..to).Where(entry => entry.Device == device && entry.Data is not null).Select(entry => new DeviceWrite(entry.Offset, entry.Data!));

    private static IEnumerable<DeviceWrite> Survivors(IReadOnlyList<DeviceWrite> unflushed, Random random)
    {
        DeviceWrite[] writes = [.. unflushed];
        switch (random.Next(5))
        {
            case 0:
                return [];
            case 1:
                return writes;
            case 2:
                return writes.Take(random.Next(writes.Length + 1));
            case 3:
                random.Shuffle(writes);
                return writes.Take(random.Next(writes.Length + 1));
            default:
                random.Shuffle(writes);
                return writes.Take(random.Next(writes.Length + 1)).SelectMany(write => Torn(write, random));
        }
    }

    /// <summary>Some of the sectors of a write.</summary>
    private static IEnumerable<DeviceWrite> Torn(DeviceWrite write, Random random)
    {
        int first = TearUnit - (int)(write.Offset % TearUnit);
        for (int start = 0, end = first; start < write.Data.Length; start = end, end += TearUnit)
        {
            if (random.Next(2) == 0)
                yield return new DeviceWrite(write.Offset + (ulong)start, write.Data[start..Math.Min(end, write.Data.Length)]);
        }
    }

    private sealed record Entry(RecordingDevice Device, ulong Offset, byte[]? Data);
}

/// <summary>A write to one of the devices, by its place in the order they were added; a flush of it where there is no write.</summary>
internal readonly record struct DeviceEvent(int Device, DeviceWrite? Write);

/// <summary>One write to a device.</summary>
internal readonly record struct DeviceWrite(ulong Offset, byte[] Data);
