namespace Btrfs.Sequences.Operations;

/// <summary>
/// What the generator knows of the file system: names and kinds, so that most operations have something to work on. It follows
/// what the kernel did, and may be wrong without harm.
/// </summary>
internal sealed class Model
{
    private List<(string Path, Node Node)>? _all;

    public Node Top { get; } = new(NodeKind.Subvolume);

    /// <summary>All paths with what they lead to, the top itself excluded.</summary>
    public IReadOnlyList<(string Path, Node Node)> All
    {
        get
        {
            if (_all is null)
            {
                _all = [];
                Collect(Top, "", _all);
            }

            return _all;
        }
    }

    public Node? Find(string path)
    {
        Node? at = Top;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
            at = at?.Entries.FirstOrDefault(entry => entry.Key == part).Value;
        return at;
    }

    /// <summary>Whether a path leads into a subvolume that is read-only, or to such a one.</summary>
    public bool IsReadOnly(string path)
    {
        bool isReadOnly = Top.IsReadOnly;
        Node? at = Top;
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            at = at?.Entries.FirstOrDefault(entry => entry.Key == part).Value;
            if (at?.Kind == NodeKind.Subvolume)
                isReadOnly = at.IsReadOnly;
        }

        return isReadOnly;
    }

    /// <summary>Follows an operation that the kernel has done.</summary>
    public void Apply(Operation operation)
    {
        switch (operation.Verb)
        {
            case Verb.Create:
                Add(operation.Path, new Node(NodeKind.File));
                break;
            case Verb.MakeDirectory:
                Add(operation.Path, new Node(NodeKind.Directory));
                break;
            case Verb.CreateSubvolume:
                Add(operation.Path, new Node(NodeKind.Subvolume));
                break;
            case Verb.MakeNode:
                Add(operation.Path, new Node(NodeKind.Special));
                break;
            case Verb.MakeSymbolicLink:
                Add(operation.Path, new Node(NodeKind.SymbolicLink));
                break;
            case Verb.Link:
                AddLink(operation.Path, operation.Other);
                break;
            case Verb.LinkMany:
                foreach (string name in operation.LinkNames())
                    AddLink(operation.Path, name);
                break;
            case Verb.Unlink or Verb.RemoveDirectory or Verb.DeleteSubvolume:
                Take(operation.Path);
                break;
            case Verb.Rename:
                Rename(operation);
                break;
            case Verb.Snapshot:
                if (Find(operation.Path) is { } source)
                    Add(operation.Other, source.CopyForSnapshot());
                SetReadOnly(operation.Other, operation.Value != 0);
                break;
            case Verb.SetReadOnly:
                SetReadOnly(operation.Path, operation.Value != 0);
                break;
            case Verb.Write or Verb.Allocate:
                Grow(operation.Path, operation.Offset + operation.Length);
                break;
            case Verb.Clone:
                Grow(operation.Other, operation.Value + operation.Length);
                break;
            case Verb.Truncate:
                if (Find(operation.Path) is { } file)
                    file.Size = operation.Length;
                break;
            case Verb.SetXattr:
                if (Find(operation.Path) is { } owner)
                    owner.XattrLengths[operation.Other] = operation.Length;
                break;
            case Verb.RemoveXattr:
                Find(operation.Path)?.XattrLengths.Remove(operation.Other);
                break;
            case Verb.SetCapability:
                if (Find(operation.Path) is { } holder)
                    holder.IsSealed = true;
                break;
        }
    }

    public static (string Directory, string Name) Split(string path)
    {
        int slash = path.LastIndexOf('/');
        return slash < 0 ? ("", path) : (path[..slash], path[(slash + 1)..]);
    }

    private static void Collect(Node directory, string path, List<(string Path, Node Node)> all)
    {
        foreach ((string name, Node child) in directory.Entries)
        {
            string full = path.Length == 0 ? name : $"{path}/{name}";
            all.Add((full, child));
            Collect(child, full, all);
        }
    }

    private void Rename(Operation operation)
    {
        const ulong Exchange = 2;
        Node? moved = Find(operation.Path);
        Node? other = Find(operation.Other);
        if (moved is null || moved == other)
            return;

        Take(operation.Path);
        if (other is not null)
            Take(operation.Other);
        Add(operation.Other, moved);
        if (operation.Value == Exchange && other is not null)
            Add(operation.Path, other);
    }

    private void SetReadOnly(string path, bool isReadOnly)
    {
        if (Find(path) is { } subvolume)
            subvolume.IsReadOnly = isReadOnly;
    }

    private void Grow(string path, ulong size)
    {
        if (Find(path) is { } file)
            file.Size = Math.Max(file.Size, size);
    }

    private void AddLink(string existing, string path)
    {
        if (Find(existing) is { } node)
            Add(path, node);
    }

    private void Add(string path, Node node)
    {
        (string directory, string name) = Split(path);
        Find(directory)?.Entries.Add(KeyValuePair.Create(name, node));
        _all = null;
    }

    private void Take(string path)
    {
        (string directory, string name) = Split(path);
        Find(directory)?.Entries.RemoveAll(entry => entry.Key == name);
        _all = null;
    }
}
