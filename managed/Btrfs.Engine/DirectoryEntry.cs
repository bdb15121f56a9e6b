using System.Text;
using Btrfs.Format;
using Btrfs.Inode.Names;

namespace Btrfs.Engine;

/// <summary>One entry of a directory.</summary>
public sealed class DirectoryEntry
{
    private readonly byte[] _name;

    internal DirectoryEntry(in DirEntry entry)
    {
        _name = entry.Name.ToArray();
        Type = entry.Type;
        IsSubvolume = entry.IsSubvolume;
        Number = entry.Location.ObjectId;
    }

    /// <summary>The name as it is stored: bytes, which need not be UTF-8.</summary>
    public ReadOnlyMemory<byte> NameBytes => _name;

    /// <summary>The name as text; what is not UTF-8 is replaced.</summary>
    public string Name => Encoding.UTF8.GetString(_name);

    public DirEntryType Type { get; }

    /// <summary>Whether it leads to a subvolume. In a snapshot such an entry may lead to an empty directory instead.</summary>
    public bool IsSubvolume { get; }

    /// <summary>The inode's number in the directory's subvolume, or the id of the subvolume.</summary>
    public ulong Number { get; }
}
