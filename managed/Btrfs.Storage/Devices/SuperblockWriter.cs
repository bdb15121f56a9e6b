using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Makes a commit the newest: writes the superblock of every device that takes writes, in all of its copies.</summary>
internal sealed class SuperblockWriter(LogicalVolume volume)
{
    // A write that failed may have torn what was there. The device's other copies are left alone from then on: one of them is whole.
    private readonly HashSet<ulong> _failed = [];

    /// <inheritdoc cref="DeviceSet.WriteSuperblocks"/>
    public void Write(in Superblock common, Func<ulong, DevItem> devItemOf)
    {
        // The primaries first, and durable before a mirror is touched: whatever a crash tears, the device has a whole copy, and a mirror is never newer than
        // its primary.
        IOException? error = null;
        List<(Device Device, Superblock Superblock)> done = [];
        foreach (Device device in Takers())
        {
            Superblock own = OwnOf(device, common, devItemOf);
            if (TryWrite(device, own, FormatLimits.SuperblockOffsets[..1], ref error))
                done.Add((device, own));
        }

        if (done.Count == 0)
            throw new IOException($"no superblock could be written: {error?.Message ?? "no device takes writes"}", error);

        foreach ((Device device, Superblock own) in done)
            TryWrite(device, own, FormatLimits.SuperblockOffsets[1..], ref error);
    }

    /// <inheritdoc cref="DeviceSet.WriteFirstSuperblocks"/>
    public void WriteFirst(in Superblock common, Func<ulong, DevItem> devItemOf)
    {
        // A device that was left out would have the last commit with another log, or none, and nothing would tell which is the newer.
        if (_failed.Count > 0)
            throw new IOException($"device {_failed.Min()} takes no superblock any more");

        IOException? error = null;
        foreach (Device device in Takers())
        {
            if (!TryWrite(device, OwnOf(device, common, devItemOf), FormatLimits.SuperblockOffsets[..1], ref error))
                throw new IOException($"the superblock of device {device.Id} could not be written: {error!.Message}", error);
        }
    }

    /// <inheritdoc cref="DeviceSet.WriteSuperblockMirrors"/>
    public void WriteMirrors(in Superblock common, Func<ulong, DevItem> devItemOf)
    {
        foreach (Device device in Takers())
        {
            IOException? error = null;
            TryWrite(device, OwnOf(device, common, devItemOf), FormatLimits.SuperblockOffsets[1..], ref error, isFlushed: false);
        }
    }

    /// <inheritdoc cref="DeviceSet.RestoreSuperblockCopies"/>
    public void RestoreCopies()
    {
        byte[] found = new byte[FormatLimits.SuperblockSize];
        foreach (Device device in volume.Devices.Where(device => device.TakesWrites))
        {
            // The copy that this one comes from is equal to it, and so not written: whatever a crash tears, it stays.
            Superblock newest = SuperblockCopies.ReadNewest(device.Block, toWrite: true, []);
            bool isWritten = false;
            foreach (ulong offset in FormatLimits.SuperblockOffsets)
            {
                if (!IsWithin(newest, offset))
                    continue;

                ReadOnlySpan<byte> wanted = Seal(ref newest, offset);
                device.Block.Read(offset, found);
                if (wanted.SequenceEqual(found))
                    continue;

                device.Block.Write(offset, wanted);
                isWritten = true;
            }

            if (isWritten)
                device.Block.Flush();
        }
    }

    private List<Device> Takers() =>
        [.. volume.Devices.Where(device => device.TakesWrites && !_failed.Contains(device.Id)).OrderBy(device => device.Id)];

    private static Superblock OwnOf(Device device, in Superblock common, Func<ulong, DevItem> devItemOf)
    {
        Superblock own = common;
        own.DevItem = devItemOf(device.Id);
        Invariant.That(own.DevItem.DeviceId.Value == device.Id && own.DevItem.Uuid == device.Uuid);
        return own;
    }

    private bool TryWrite(Device device, Superblock own, ReadOnlySpan<ulong> offsets, ref IOException? error, bool isFlushed = true)
    {
        try
        {
            foreach (ulong offset in offsets)
            {
                if (IsWithin(own, offset))
                    device.Block.Write(offset, Seal(ref own, offset));
            }

            return !isFlushed || TryFlush(device, ref error);
        }
        catch (IOException fault)
        {
            volume.NoteWriteFault(device, fault.Message);
            _failed.Add(device.Id);
            error = fault;
            return false;
        }
    }

    // Others may have written data to the device meanwhile, which a failed flush loses with the superblock.
    private bool TryFlush(Device device, ref IOException? error)
    {
        try
        {
            device.Block.Flush();
            return true;
        }
        catch (IOException fault)
        {
            volume.NoteFailedFlush(device, fault);
            _failed.Add(device.Id);
            error = fault;
            return false;
        }
    }

    private static bool IsWithin(in Superblock own, ulong offset) => offset + FormatLimits.SuperblockSize <= own.DevItem.TotalBytes;

    /// <summary>The bytes of a superblock as they are at a place.</summary>
    private static ReadOnlySpan<byte> Seal(ref Superblock own, ulong offset)
    {
        own.Bytenr = offset;
        Span<byte> bytes = MemoryMarshal.AsBytes(new Span<Superblock>(ref own));
        Checksums.SealBlock(Checksums.For(own.CsumType), bytes);
        return bytes;
    }
}
