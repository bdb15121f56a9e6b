using Btrfs.Storage;

namespace Btrfs.Fidelity.Devices;

/// <summary>A device of memory whose writes a <see cref="CrashRecorder"/> keeps. What it reads is what was written, flushed or not.</summary>
internal sealed class RecordingDevice : IBlockDevice
{
    private readonly CrashRecorder _recorder;
    private readonly IBlockDevice _below;
    private int _durableTime;

    internal RecordingDevice(CrashRecorder recorder, IBlockDevice below)
    {
        _recorder = recorder;
        _below = below;
        Live = new MemoryOverlayDevice(below, leaveOpen: true);
        Durable = new MemoryOverlayDevice(below, leaveOpen: true);
    }

    public string Name => _below.Name;

    public ulong SizeBytes => _below.SizeBytes;

    public bool IsMounted => false;

    public bool IsWritable => true;

    public IReadOnlyList<string> Notices => [];

    /// <summary>How long a flush takes: on a disk others come meanwhile.</summary>
    public TimeSpan FlushTime { get; init; }

    /// <summary>What was written.</summary>
    internal MemoryOverlayDevice Live { get; }

    /// <summary>What flushes had covered by the time that <see cref="RewindDurable"/> was last called with.</summary>
    internal MemoryOverlayDevice Durable { get; private set; }

    public void Read(ulong offsetBytes, Span<byte> buffer) => Live.Read(offsetBytes, buffer);

    public void Prefetch(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data) => _recorder.Record(this, new DeviceWrite(offsetBytes, data.ToArray()));

    public void Flush()
    {
        if (FlushTime > TimeSpan.Zero)
            Thread.Sleep(FlushTime);
        _recorder.Record(this, null);
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes)
    {
    }

    public void Dispose()
    {
        // The states after a crash are asked for when the file system is closed.
    }

    /// <summary>Notes that <see cref="Durable"/> becomes that of a time, and returns the time from which on it lacks writes: crashes made in order cost each write once.</summary>
    internal int RewindDurable(int time)
    {
        int begin = _durableTime;
        if (time < begin)
        {
            Durable = new MemoryOverlayDevice(_below, leaveOpen: true);
            begin = 0;
        }

        _durableTime = time;
        return begin;
    }
}
