using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Crash.Running;

/// <summary>A device that flushes its cache only after a superblock: with it blocks and the superblock that leads to them may come in any order.</summary>
internal sealed class BarrierlessDevice(IBlockDevice below) : IBlockDevice
{
    private bool _hasSuperblock;

    public string Name => below.Name;

    public ulong SizeBytes => below.SizeBytes;

    public bool IsMounted => below.IsMounted;

    public bool IsWritable => below.IsWritable;

    public IReadOnlyList<string> Notices => below.Notices;

    public void Read(ulong offsetBytes, Span<byte> buffer) => below.Read(offsetBytes, buffer);

    public void Prefetch(ulong offsetBytes, ulong lengthBytes) => below.Prefetch(offsetBytes, lengthBytes);

    public void Write(ulong offsetBytes, ReadOnlySpan<byte> data)
    {
        _hasSuperblock |= FormatLimits.SuperblockOffsets.Contains(offsetBytes);
        below.Write(offsetBytes, data);
    }

    public void Flush()
    {
        if (_hasSuperblock)
            below.Flush();
        _hasSuperblock = false;
    }

    public void Discard(ulong offsetBytes, ulong lengthBytes) => below.Discard(offsetBytes, lengthBytes);

    public void Dispose() => below.Dispose();
}
