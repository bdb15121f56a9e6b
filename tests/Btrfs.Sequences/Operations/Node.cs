namespace Btrfs.Sequences.Operations;

internal enum NodeKind
{
    File,
    Directory,
    Subvolume,

    /// <summary>What a snapshot shows in the place of a subvolume of its source.</summary>
    Stub,

    SymbolicLink,
    Special,
}

/// <summary>An inode as the generator remembers it; several names may lead to one.</summary>
internal sealed class Node(NodeKind kind)
{
    public NodeKind Kind { get; } = kind;

    /// <summary>In the order of their making.</summary>
    public List<KeyValuePair<string, Node>> Entries { get; } = [];

    /// <summary>Roughly: what was last written or set.</summary>
    public ulong Size { get; set; }

    /// <summary>How long the values of its extended attributes are, by name.</summary>
    public Dictionary<string, ulong> XattrLengths { get; } = [];

    /// <summary>True if it has what a kernel takes away with the next write and the engine, which is told bytes and not users, does not.</summary>
    public bool IsSealed { get; set; }

    /// <summary>Of a subvolume.</summary>
    public bool IsReadOnly { get; set; }

    public bool HasEntries => Kind is NodeKind.Directory or NodeKind.Subvolume;

    /// <summary>The node as a snapshot shows it; names that led to one node still do.</summary>
    public Node CopyForSnapshot(Dictionary<Node, Node>? copies = null)
    {
        copies ??= [];
        bool isTop = copies.Count == 0;
        if (copies.TryGetValue(this, out Node? known))
            return known;

        NodeKind kind = Kind == NodeKind.Subvolume && !isTop ? NodeKind.Stub : Kind;
        Node copy = new(kind) { Size = Size, IsSealed = IsSealed };
        copies.Add(this, copy);
        foreach ((string name, ulong length) in XattrLengths)
            copy.XattrLengths.Add(name, length);
        if (kind != NodeKind.Stub)
            copy.Entries.AddRange(Entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.CopyForSnapshot(copies))));
        return copy;
    }
}
