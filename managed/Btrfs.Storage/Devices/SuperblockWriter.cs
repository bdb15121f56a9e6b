using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Makes a commit the newest: writes the superblock of every device that takes writes, in all of its copies.</summary>
internal sealed class SuperblockWriter(LogicalVolume volume)
{
    /// <inheritdoc cref="DeviceSet.WriteSuperblocks"/>
    public void Write(in Superblock common, Func<ulong, DevItem> devItemOf)
    {
        // The primaries first, and durable before a mirror is touched: whatever a crash tears, the device has a whole copy, and a mirror is never newer than
        // its primary.
        IOException? error = null;
        List<(Device Device, Superblock Superblock)> done = [];
        foreach (Device device in volume.Devices.Where(device => device.TakesWrites).OrderBy(device => device.Id))
        {
            Superblock own = common;
            own.DevItem = devItemOf(device.Id);
            Invariant.That(own.DevItem.DeviceId.Value == device.Id && own.DevItem.Uuid == device.Uuid);
            if (TryWrite(device, own, FormatLimits.SuperblockOffsets[..1], ref error))
                done.Add((device, own));
        }

        if (done.Count == 0)
            throw new IOException($"no superblock could be written: {error?.Message ?? "no device takes writes"}", error);

        foreach ((Device device, Superblock own) in done)
            TryWrite(device, own, FormatLimits.SuperblockOffsets[1..], ref error);
    }

    private bool TryWrite(Device device, Superblock own, ReadOnlySpan<ulong> offsets, ref IOException? error)
    {
        try
        {
            foreach (ulong offset in offsets)
            {
                if (offset + FormatLimits.SuperblockSize > own.DevItem.TotalBytes)
                    continue;

                own.Bytenr = offset;
                Span<byte> bytes = MemoryMarshal.AsBytes(new Span<Superblock>(ref own));
                Checksums.SealBlock(Checksums.For(own.CsumType), bytes);
                device.Block.Write(offset, bytes);
            }

            device.Block.Flush();
            return true;
        }
        catch (IOException fault)
        {
            volume.NoteWriteFault(device, fault.Message);
            error = fault;
            return false;
        }
    }
}
