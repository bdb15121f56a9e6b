using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Groups;

/// <summary>One device's item and the ranges of it that chunks have, in the running transaction.</summary>
internal sealed class DeviceSpace
{
    /// <summary>Boot loaders live in the first megabyte of a device.</summary>
    private const ulong FirstUsable = 1UL << 20;

    private readonly SortedList<ulong, ulong> _taken = [];
    private DevItem _item;

    public DeviceSpace(in DevItem item) => _item = item;

    public ulong Id => _item.DeviceId;

    /// <summary>The item, to be read and changed in place.</summary>
    public ref DevItem Item => ref _item;

    /// <summary>Whether the item in the chunk tree says something else.</summary>
    public bool IsItemDirty { get; set; }

    /// <summary>The longest free range, cut to <paramref name="mostBytes"/>; length 0 where there is none.</summary>
    public (ulong Offset, ulong Length) FindHole(ulong mostBytes)
    {
        (ulong Offset, ulong Length) best = default;
        ulong behind = FirstUsable;
        foreach ((ulong start, ulong length) in _taken)
        {
            Consider(behind, start);
            if (best.Length >= mostBytes)
                return best with { Length = mostBytes };
            behind = Math.Max(behind, start + length);
        }

        Consider(behind, _item.TotalBytes);
        return best with { Length = Math.Min(best.Length, mostBytes) };

        void Consider(ulong from, ulong to)
        {
            // Stripes begin on multiples of their own length.
            from = (from + FormatLimits.StripeLength - 1) / FormatLimits.StripeLength * FormatLimits.StripeLength;
            if (to > from && to - from > best.Length)
                best = (from, to - from);
        }
    }

    public void Take(ulong offset, ulong length)
    {
        _taken.Add(offset, length);
        _item.BytesUsed += length;
        IsItemDirty = true;
    }

    /// <summary>A chunk's range is not the chunk's any more. Its place may be used again after the commit only: see <see cref="Release"/>.</summary>
    public void Give(ulong length)
    {
        _item.BytesUsed -= length;
        IsItemDirty = true;
    }

    /// <summary>Ends the device behind the last range that is taken.</summary>
    /// <returns>By how many bytes it became smaller.</returns>
    public ulong Shrink()
    {
        ulong end = _taken.Count == 0 ? FirstUsable : _taken.GetKeyAtIndex(_taken.Count - 1) + _taken.GetValueAtIndex(_taken.Count - 1);
        ulong cut = _item.TotalBytes - Math.Min(end, _item.TotalBytes);
        _item.TotalBytes -= cut;
        IsItemDirty |= cut > 0;
        return cut;
    }

    /// <summary>The range is free.</summary>
    public void Release(ulong offset) => _taken.Remove(offset);

    /// <summary>Reads the items of all devices, and the ranges that chunks have of each.</summary>
    public static SortedList<ulong, DeviceSpace> LoadAll(FsInfo fs)
    {
        SortedList<ulong, DeviceSpace> devices = [];
        foreach (DevItem item in new Usage.SpaceUsage(fs).EnumerateDevices())
            devices.Add(item.DeviceId, new DeviceSpace(item));

        TreeCursor cursor = fs.OpenCursor(fs.GetRoot(ObjectIds.DevTree).Tree);
        for (cursor.Seek(new Key(1, ItemType.DevExtent, 0)); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key.Type != ItemType.DevExtent)
                continue;
            if (!devices.TryGetValue(cursor.Key.ObjectId, out DeviceSpace? device))
                throw new CorruptMetadataException($"corrupt metadata: device extent {cursor.Key} names a device that has no item");
            device._taken.Add(cursor.Key.Offset, cursor.Record<DevExtent>().Length);
        }

        return devices;
    }
}
