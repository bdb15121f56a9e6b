namespace Btrfs.Fidelity.Generator;

internal enum NodeKind
{
    Directory,
    File,
    Symlink,
    Special,

    /// <summary>A nested subvolume.</summary>
    Subvolume,

    /// <summary>The empty directory that a snapshot shows in place of a nested subvolume.</summary>
    Stub,
}

/// <summary>An inode as far as the generator needs to know it.</summary>
internal sealed class Node(NodeKind kind, ulong inode)
{
    public NodeKind Kind { get; } = kind;

    public ulong Inode { get; } = inode;

    public long SizeBytes { get; set; }

    /// <summary>Immutable or append-only: most operations will be refused until the flag is cleared.</summary>
    public bool Locked { get; set; }

    public List<Entry> Links { get; } = [];

    public List<Entry> Children { get; } = [];

    public Entry Link => Links[0];
}

/// <summary>A name in a directory.</summary>
internal sealed class Entry(Node parent, byte[] name, Node target)
{
    public Node Parent { get; set; } = parent;

    public byte[] Name { get; set; } = name;

    public Node Target { get; set; } = target;
}

/// <summary>What the generator believes to be in a subvolume. It follows only calls that succeeded, so it stays true.</summary>
internal sealed class SubvolumeModel
{
    public SubvolumeModel()
    {
        Root = new Node(NodeKind.Directory, 256);
        Directories.Add(Root);
    }

    public Node Root { get; }

    /// <summary>Which of the independent subvolumes this one descends from.</summary>
    public int Lineage { get; init; }

    /// <summary>The highest inode number that ever was in this line of subvolumes.</summary>
    public ulong HighestInode { get; private set; }

    /// <summary>All directories, the root first.</summary>
    public List<Node> Directories { get; } = [];

    public List<Node> Files { get; } = [];

    public List<Node> Others { get; } = [];

    public int InodeCount => Directories.Count + Files.Count + Others.Count;

    /// <summary>Every name in the subvolume.</summary>
    public List<Entry> Entries { get; } = [];

    public static Entry? Find(Node directory, ReadOnlySpan<byte> name)
    {
        foreach (Entry entry in directory.Children)
        {
            if (name.SequenceEqual(entry.Name))
                return entry;
        }

        return null;
    }

    /// <summary>Takes note of a new inode; false if an earlier one may have had its number.</summary>
    public bool NoteInode(ulong inode)
    {
        bool isNew = inode > HighestInode;
        HighestInode = Math.Max(HighestInode, inode);
        return isNew;
    }

    public void Add(Node parent, byte[] name, Node target)
    {
        Entry entry = new(parent, name, target);
        parent.Children.Add(entry);
        Entries.Add(entry);
        target.Links.Add(entry);
        if (target.Links.Count == 1)
            ListOf(target.Kind).Add(target);
    }

    public void Remove(Entry entry)
    {
        entry.Parent.Children.Remove(entry);
        Entries.Remove(entry);
        entry.Target.Links.Remove(entry);
        if (entry.Target.Links.Count == 0)
            ListOf(entry.Target.Kind).Remove(entry.Target);
    }

    public static void Move(Entry entry, Node newParent, byte[] newName)
    {
        entry.Parent.Children.Remove(entry);
        newParent.Children.Add(entry);
        entry.Parent = newParent;
        entry.Name = newName;
    }

    public static void Exchange(Entry first, Entry second)
    {
        (first.Target, second.Target) = (second.Target, first.Target);
        first.Target.Links.Remove(second);
        second.Target.Links.Remove(first);
        first.Target.Links.Add(first);
        second.Target.Links.Add(second);
    }

    /// <summary>True if <paramref name="node"/> is <paramref name="directory"/> or lies below it.</summary>
    public static bool IsWithin(Node node, Node directory)
    {
        for (Node? step = node; step is not null; step = step.Links.Count == 0 ? null : step.Link.Parent)
        {
            if (step == directory)
                return true;
        }

        return false;
    }

    /// <summary>The names that lead from the root to a directory.</summary>
    public static List<byte[]> PathOf(Node directory)
    {
        List<byte[]> names = [];
        for (Node step = directory; step.Links.Count > 0; step = step.Link.Parent)
            names.Add(step.Link.Name);
        names.Reverse();
        return names;
    }

    /// <summary>A copy for a writable snapshot.</summary>
    public SubvolumeModel Clone()
    {
        SubvolumeModel copy = new() { Lineage = Lineage, HighestInode = HighestInode };
        Dictionary<Node, Node> copies = new() { [Root] = copy.Root };
        foreach (Node directory in Directories.Skip(1))
            copies[directory] = CopyOf(directory);
        foreach (Entry entry in Entries)
        {
            if (!copies.TryGetValue(entry.Target, out Node? target))
                copies[entry.Target] = target = CopyOf(entry.Target);
            copy.Add(copies[entry.Parent], entry.Name, target);
        }

        return copy;

        static Node CopyOf(Node node) => new(node.Kind == NodeKind.Subvolume ? NodeKind.Stub : node.Kind, node.Inode) { SizeBytes = node.SizeBytes, Locked = node.Locked };
    }

    private List<Node> ListOf(NodeKind kind) => kind switch
    {
        NodeKind.Directory => Directories,
        NodeKind.File => Files,
        _ => Others,
    };
}
