using System.Runtime.InteropServices;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Space.Usage;
using Btrfs.Storage;

namespace Btrfs.Check.Space;

/// <summary>Chunk tree, device tree and superblock: who owns which bytes of the devices.</summary>
internal sealed class DeviceScan(CheckState state)
{
    private readonly List<DevItem> _devices = [];
    private readonly List<DeviceRange> _extents = [];
    private readonly List<byte[]> _systemChunks = [];

    /// <summary>A chunk's share of a device, as either tree tells it.</summary>
    private readonly record struct DeviceRange(ulong Device, ulong Start, ulong Length, ulong Chunk);

    public void ChunkLeaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count && !state.Blocks.IsSecondRound; slot++)
        {
            Key key = leaf.Key(slot);
            ReadOnlySpan<byte> data = leaf.Data(slot);
            if (key.Type == ItemType.DevItem)
                _devices.Add(MemoryMarshal.AsRef<DevItem>(data));
            else if (key.Type == ItemType.ChunkItem && (MemoryMarshal.AsRef<ChunkItem>(data).Type & BlockGroupFlags.System) != 0)
                _systemChunks.Add([.. MemoryMarshal.AsBytes([new DiskKey(key)]), .. data]);
        }
    }

    public void DeviceLeaf(ExtentBuffer buffer)
    {
        LeafView leaf = buffer.Leaf;
        for (int slot = 0; slot < leaf.Count && !state.Blocks.IsSecondRound; slot++)
        {
            Key key = leaf.Key(slot);
            if (key.Type != ItemType.DevExtent)
                continue;

            ref readonly DevExtent extent = ref leaf.Record<DevExtent>(slot);
            _extents.Add(new DeviceRange(key.ObjectId, key.Offset, extent.Length, extent.ChunkOffset));
        }
    }

    /// <param name="chunks">All chunks.</param>
    /// <param name="hasDeviceTree">Whether all of the device tree was read.</param>
    public void Compare(IReadOnlyList<Chunk> chunks, bool hasDeviceTree)
    {
        CompareSystemChunks();
        CompareDevices();
        if (!hasDeviceTree)
            return;

        CompareExtents(chunks);
        CompareOverlaps();
    }

    private void CompareSystemChunks()
    {
        HashSet<string> array = [];
        ReadOnlySpan<byte> rest = state.Fs.Superblock.SystemChunkArray[..(int)state.Fs.Superblock.SystemChunkArrayLength.Value];
        while (!rest.IsEmpty)
        {
            int size = DiskKey.Size + ChunkCheck.SizeOf(MemoryMarshal.AsRef<ChunkItem>(rest[DiskKey.Size..]));
            array.Add(Convert.ToHexString(rest[..size]));
            rest = rest[size..];
        }

        foreach (byte[] chunk in _systemChunks)
        {
            if (!array.Remove(Convert.ToHexString(chunk)))
                state.Log.Add(FindingKind.SystemChunkArray, ObjectIds.ChunkTree, MemoryMarshal.AsRef<DiskKey>(chunk), $"the superblock lacks system chunk {MemoryMarshal.AsRef<DiskKey>(chunk).Offset}, or has it otherwise");
        }

        foreach (string left in array)
            state.Log.Add(FindingKind.SystemChunkArray, 0, null, $"the superblock has a system chunk that the chunk tree lacks: {MemoryMarshal.AsRef<DiskKey>(Convert.FromHexString(left)).Offset}");
    }

    private void CompareDevices()
    {
        ref readonly Superblock super = ref state.Fs.Superblock;
        ulong total = 0;
        foreach (DevItem device in _devices)
        {
            total += device.TotalBytes;
            Key key = new(ObjectIds.DevItems, ItemType.DevItem, device.DeviceId);
            if (device.Fsid != super.MetadataUuid && !state.Fs.Devices.SeedFsids.Contains(device.Fsid) && device.Fsid != super.Fsid)
                state.Log.Add(FindingKind.Device, ObjectIds.ChunkTree, key, $"device {device.DeviceId} belongs to file system {device.Fsid}");
            foreach (Device present in state.Fs.Devices.Devices)
            {
                if (present.Id == device.DeviceId && present.Uuid == device.Uuid && present.Block.SizeBytes < device.TotalBytes)
                    state.Log.Add(FindingKind.Device, ObjectIds.ChunkTree, key, $"device {device.DeviceId} has {present.Block.SizeBytes} bytes, and should have {device.TotalBytes}");
            }

            if (device.DeviceId == super.DevItem.DeviceId && (device.TotalBytes != super.DevItem.TotalBytes || device.BytesUsed != super.DevItem.BytesUsed || device.Uuid != super.DevItem.Uuid))
                state.Log.Add(FindingKind.Device, ObjectIds.ChunkTree, key, $"device {device.DeviceId} has {device.TotalBytes} bytes, {device.BytesUsed} of them used; its superblock says {super.DevItem.TotalBytes} and {super.DevItem.BytesUsed}");
        }

        if ((ulong)_devices.Count != super.DeviceCount)
            state.Log.Add(FindingKind.Device, ObjectIds.ChunkTree, null, $"the superblock counts {super.DeviceCount} devices, there are {_devices.Count}");
        if (total != super.TotalBytes)
            state.Log.Add(FindingKind.Superblock, 0, null, $"the superblock says that the devices have {super.TotalBytes} bytes, they have {total}");
    }

    private void CompareExtents(IReadOnlyList<Chunk> chunks)
    {
        HashSet<DeviceRange> left = [.. _extents];
        foreach (Chunk chunk in chunks)
        {
            ulong length = SpaceUsage.StripeBytes(chunk);
            foreach (ref readonly ChunkStripe stripe in chunk.Stripes)
            {
                if (!left.Remove(new DeviceRange(stripe.DeviceId, stripe.Offset, length, chunk.Start.Value)))
                    state.Log.Add(FindingKind.MissingDevExtent, ObjectIds.DevTree, new Key(stripe.DeviceId, ItemType.DevExtent, stripe.Offset), $"chunk {chunk.Start} has no device extent of {length} bytes at device {stripe.DeviceId} offset {stripe.Offset}");
            }
        }

        foreach (DeviceRange extent in left)
            state.Log.Add(FindingKind.ExtraDevExtent, ObjectIds.DevTree, new Key(extent.Device, ItemType.DevExtent, extent.Start), $"device extent at device {extent.Device} offset {extent.Start} of {extent.Length} bytes belongs to no chunk, it names {extent.Chunk}");
    }

    private void CompareOverlaps()
    {
        Dictionary<ulong, ulong> used = [];
        Dictionary<ulong, DevItem> devices = [];
        foreach (DevItem device in _devices)
            devices.TryAdd(device.DeviceId, device);

        DeviceRange previous = default;
        foreach (DeviceRange extent in _extents)
        {
            Key key = new(extent.Device, ItemType.DevExtent, extent.Start);
            used[extent.Device] = used.GetValueOrDefault(extent.Device) + extent.Length;
            if (extent.Device == previous.Device && extent.Start < previous.Start + previous.Length)
                state.Log.Add(FindingKind.DevExtentOverlap, ObjectIds.DevTree, key, $"device extent at device {extent.Device} offset {extent.Start} begins before the one in front of it ends");
            if (!devices.TryGetValue(extent.Device, out DevItem device))
                state.Log.Add(FindingKind.Device, ObjectIds.DevTree, key, $"there is no device {extent.Device} for the device extent at {extent.Start}");
            else if (extent.Start + extent.Length > device.TotalBytes)
                state.Log.Add(FindingKind.Device, ObjectIds.DevTree, key, $"device extent at device {extent.Device} offset {extent.Start} reaches behind the device's {device.TotalBytes} bytes");
            previous = extent;
        }

        foreach (DevItem device in devices.Values)
        {
            ulong sum = used.GetValueOrDefault(device.DeviceId);
            if (sum != device.BytesUsed)
                state.Log.Add(FindingKind.DeviceBytesUsed, ObjectIds.ChunkTree, new Key(ObjectIds.DevItems, ItemType.DevItem, device.DeviceId), $"device {device.DeviceId} says that {device.BytesUsed} bytes are used, its extents take {sum}");
        }
    }
}
