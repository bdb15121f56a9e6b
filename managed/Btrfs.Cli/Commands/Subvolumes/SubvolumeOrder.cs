using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Subvolumes;

/// <summary>The order that --sort asks for. Without it, by id.</summary>
internal sealed class SubvolumeOrder : IComparer<(SubvolumeInfo Subvolume, byte[] Path)>
{
    private readonly List<(string Key, int Sign)> _keys = [];

    /// <summary>False where subvolumes can be printed as they are found.</summary>
    public bool IsGiven => _keys.Count > 0;

    /// <exception cref="UsageException">A key that there isn't.</exception>
    public static SubvolumeOrder Parse(string? keys)
    {
        SubvolumeOrder order = new();
        foreach (string key in keys?.Split(',') ?? [])
        {
            string name = key.TrimStart('+', '-');
            if (name is not ("gen" or "ogen" or "rootid" or "path"))
                throw new UsageException($"'{key}' is no key to sort by, only gen, ogen, rootid and path are");
            order._keys.Add((name, key[0] == '-' ? -1 : 1));
        }

        return order;
    }

    public int Compare((SubvolumeInfo Subvolume, byte[] Path) left, (SubvolumeInfo Subvolume, byte[] Path) right)
    {
        foreach ((string key, int sign) in _keys)
        {
            int result = key switch
            {
                "gen" => left.Subvolume.Root.Item.Generation.Value.CompareTo(right.Subvolume.Root.Item.Generation),
                "ogen" => left.Subvolume.Root.Item.OTransId.Value.CompareTo(right.Subvolume.Root.Item.OTransId),
                "path" => left.Path.AsSpan().SequenceCompareTo(right.Path),
                _ => left.Subvolume.Id.CompareTo(right.Subvolume.Id),
            };
            if (result != 0)
                return result * sign;
        }

        return left.Subvolume.Id.CompareTo(right.Subvolume.Id);
    }
}
