using Btrfs.Interop;
using Btrfs.Storage;

namespace Btrfs.Fidelity.Devices;

/// <summary>What a device is asked for.</summary>
internal enum DeviceCall
{
    Read,
    Write,
    Flush,
}

/// <summary>A device that fails as it is told to. A write that fails has reached the device in part.</summary>
/// <param name="below">Does what doesn't fail; owned from here on.</param>
internal sealed class FaultyDevice(IBlockDevice below) : IBlockDevice
{
    private readonly Lock _lock = new();
    private readonly Dictionary<DeviceCall, long> _calls = [];
    private readonly Dictionary<DeviceCall, (long From, long To)> _failing = [];
    private long _roomBytes = long.MaxValue;

    public string Name => below.Name;

    public ulong SizeBytes => below.SizeBytes;

    public bool IsMounted => below.IsMounted;

    public bool IsWritable => below.IsWritable;

    public IReadOnlyList<string> Notices => below.Notices;

    /// <summary>From where on all reads find the device's end; as long as it was at first.</summary>
    public ulong ReadableBytes { get; set; } = ulong.MaxValue;

    /// <summary>Whether a read that fails gives half of the bytes, and finds the end of the device there.</summary>
    public bool FailingReadsFallShort { get; init; }

    /// <summary>How often something was asked for.</summary>
    public long Calls(DeviceCall call)
    {
        lock (_lock)
            return _calls.GetValueOrDefault(call);
    }

    /// <summary>Lets calls fail with an error of the device.</summary>
    /// <param name="call">Of this kind.</param>
    /// <param name="first">The first to fail, counted from 0 and from now on.</param>
    /// <param name="count">How many do.</param>
    public void Fail(DeviceCall call, long first = 0, long count = long.MaxValue)
    {
        lock (_lock)
        {
            long from = _calls.GetValueOrDefault(call) + first;
            _failing[call] = (from, count > long.MaxValue - from ? long.MaxValue : from + count);
        }
    }

    /// <summary>Lets writes find the device full once they have written so many bytes more.</summary>
    public void FillAfter(long bytes)
    {
        lock (_lock)
            _roomBytes = bytes;
    }

    /// <summary>Ends all failing.</summary>
    public void Heal()
    {
        lock (_lock)
        {
            _failing.Clear();
            _roomBytes = long.MaxValue;
            ReadableBytes = ulong.MaxValue;
        }
    }

    public void Read(ulong offsetBytes, Span<byte> buffer)
    {
        if (Fails(DeviceCall.Read))
        {
            if (!FailingReadsFallShort)
                throw new IOException($"{Name}: planted read error at {offsetBytes}");

            below.Read(offsetBytes, buffer[..(buffer.Length / 2)]);
            throw new EndOfStreamException($"{Name}: planted end in a read at {offsetBytes}");
        }

        if (offsetBytes + (ulong)buffer.Length > ReadableBytes)
            throw new EndOfStreamException($"{Name}: planted end at {ReadableBytes}");

        below.Read(offsetBytes, buffer);
    }

    public void Prefetch(ulong offsetBytes, ulong lengthBytes) => below.Prefetch(offsetBytes, lengthBytes);

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        if (Fails(DeviceCall.Write))
        {
            below.Write(offsetBytes, data[..(data.Length / 2)]);
            throw new IOException($"{Name}: planted write error at {offsetBytes}");
        }

        if (!TakesRoom(data.Length))
            throw new DeviceFullException($"{Name}: planted end of room at {offsetBytes}", 28);

        below.Write(offsetBytes, data);
    }

    public void Flush()
    {
        if (Fails(DeviceCall.Flush))
            throw new IOException($"{Name}: planted flush error");

        below.Flush();
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes) => below.Discard(offsetBytes, lengthBytes);

    public void Dispose() => below.Dispose();

    private bool Fails(DeviceCall call)
    {
        lock (_lock)
        {
            long number = _calls.GetValueOrDefault(call);
            _calls[call] = number + 1;
            return _failing.TryGetValue(call, out (long From, long To) failing) && number >= failing.From && number < failing.To;
        }
    }

    private bool TakesRoom(int length)
    {
        lock (_lock)
        {
            if (_roomBytes < length)
                return false;

            _roomBytes -= length;
            return true;
        }
    }
}
