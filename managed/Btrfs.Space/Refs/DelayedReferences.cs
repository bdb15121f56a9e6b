using Btrfs.Format;

namespace Btrfs.Space.Refs;

/// <summary>
/// Changes of references that wait for the extent tree. They wait because that tree lives in blocks whose own references change when it does: first
/// everything is noted here, then it is run in batches until nothing new comes up; and because much cancels out before it is ever written.
/// </summary>
internal sealed class DelayedReferences
{
    private readonly Dictionary<ulong, DelayedExtent> _extents = [];

    public int Count => _extents.Count;

    public DelayedExtent? TryFind(ulong bytenr) => _extents.GetValueOrDefault(bytenr);

    /// <summary>Notes an extent that was just allocated, with its first reference.</summary>
    public void AddNew(ulong bytenr, ulong bytes, int level, ulong ownerRoot, in ReferenceKey key)
    {
        DelayedExtent extent = new(bytenr, bytes, level) { IsNew = true, OwnerRoot = ownerRoot };
        extent.Change(key, 1);

        // A block that was freed in this transaction is pinned until the commit, so its address can't come back before.
        Invariant.That(_extents.TryAdd(bytenr, extent));
    }

    /// <summary>Notes references more or less of an extent.</summary>
    public DelayedExtent Change(ulong bytenr, ulong bytes, int level, in ReferenceKey key, int count)
    {
        DelayedExtent extent = Of(bytenr, bytes, level);
        extent.Change(key, count);
        return extent;
    }

    /// <summary>The entry of an extent that the extent tree has, made if it isn't there.</summary>
    public DelayedExtent Of(ulong bytenr, ulong bytes, int level)
    {
        if (!_extents.TryGetValue(bytenr, out DelayedExtent? extent))
            _extents.Add(bytenr, extent = new DelayedExtent(bytenr, bytes, level));
        return extent;
    }

    public void Remove(DelayedExtent extent) => _extents.Remove(extent.Bytenr);

    /// <summary>Takes all that wait, by address: neighbours lie in the same leaves.</summary>
    public DelayedExtent[] TakeAll()
    {
        DelayedExtent[] all = [.. _extents.Values];
        _extents.Clear();
        Array.Sort(all, (left, right) => left.Bytenr.CompareTo(right.Bytenr));
        return all;
    }
}
