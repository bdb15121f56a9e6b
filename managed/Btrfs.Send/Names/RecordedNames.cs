using Btrfs.Send.State;

namespace Btrfs.Send.Names;

/// <summary>A name that the inode at work gets or loses.</summary>
internal sealed class RecordedName(InodeId directory, byte[] fullPath, int nameLength)
{
    public InodeId Directory { get; } = directory;

    /// <summary>Where the name is at the receiver: as of when it was recorded, or refreshed.</summary>
    public byte[] FullPath { get; set; } = fullPath;

    public ReadOnlySpan<byte> Name => FullPath.AsSpan(FullPath.Length - nameLength);
}

/// <summary>
/// The names that differ between the snapshots for the inode at work. A comparison tells of them mixed and item by item; they can only be acted on
/// when all are known, new ones first. A name that comes on one side and goes on the other is no change.
/// </summary>
internal sealed class RecordedNames
{
    private readonly NameList _new = new();
    private readonly NameList _deleted = new();

    public bool IsEmpty => _new.Count == 0 && _deleted.Count == 0;

    public IEnumerable<RecordedName> New => _new.Names;

    public IEnumerable<RecordedName> Deleted => _deleted.Names;

    public int DeletedCount => _deleted.Count;

    /// <summary>Whether the new name was announced as deleted before, which takes both away.</summary>
    public bool CancelsDeleted(InodeId directory, ReadOnlySpan<byte> name) => _deleted.Remove(directory, name);

    public bool CancelsNew(InodeId directory, ReadOnlySpan<byte> name) => _new.Remove(directory, name);

    public void AddNew(RecordedName name) => _new.Add(name);

    public void AddDeleted(RecordedName name) => _deleted.Add(name);

    public void Clear()
    {
        _new.Clear();
        _deleted.Clear();
    }

    /// <summary>Names in order of recording, found again by directory and name.</summary>
    private sealed class NameList
    {
        private readonly LinkedList<RecordedName> _order = new();
        private readonly Dictionary<NameKey, LinkedListNode<RecordedName>> _byName = [];

        public int Count => _order.Count;

        public IEnumerable<RecordedName> Names => _order;

        public void Add(RecordedName name) =>
            _byName[new NameKey(name.Directory, name.Name.ToArray())] = _order.AddLast(name);

        public bool Remove(InodeId directory, ReadOnlySpan<byte> name)
        {
            if (_order.Count == 0 || !_byName.Remove(new NameKey(directory, name.ToArray()), out LinkedListNode<RecordedName>? node))
                return false;

            _order.Remove(node);
            return true;
        }

        public void Clear()
        {
            if (_order.Count == 0)
                return;

            _order.Clear();
            _byName.Clear();
        }
    }

    private readonly struct NameKey(InodeId directory, byte[] name) : IEquatable<NameKey>
    {
        private readonly InodeId _directory = directory;
        private readonly byte[] _name = name;

        public bool Equals(NameKey other) => _directory == other._directory && _name.AsSpan().SequenceEqual(other._name);

        public override bool Equals(object? obj) => obj is NameKey other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = new();
            hash.Add(_directory);
            hash.AddBytes(_name);
            return hash.ToHashCode();
        }
    }
}
