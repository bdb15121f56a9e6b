using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>
/// A writable subvolume together with the model of it. Every change of names goes through here: the kernel is asked, the
/// answer is logged, and the model follows if it was yes.
/// </summary>
internal sealed class WorkingSubvolume(string path, int topLevel, SubvolumeModel model, OperationLog log) : IDisposable
{
    // A single path must stay below PATH_MAX; deeper directories are reached in several steps.
    private const int LongestStep = 3500;

    private Descriptor _root = OpenRoot(path, topLevel);

    /// <summary>Where it is, counted from the top level of the file system.</summary>
    public string Path => path;

    public SubvolumeModel Model { get; } = model;

    public int Root => _root.Value;

    public static string Show(Entry entry) => string.Join('/', SubvolumeModel.PathOf(entry.Parent).Append(entry.Name).Select(name => OperationLog.Show(name)));

    public static string Show(Node node) => node.Links.Count == 0 ? "." : Show(node.Link);

    public Descriptor OpenDirectory(Node directory)
    {
        const int Flags = Syscall.OpenPath | Syscall.OpenDirectory | Syscall.OpenNoFollow;
        Descriptor current = new(KernelException.Check(Syscall.Open(_root.Value, "."u8, Flags), $"open {Path}"));
        List<byte> step = [];
        List<byte[]> names = SubvolumeModel.PathOf(directory);
        for (int i = 0; i < names.Count; i++)
        {
            step.AddRange(names[i]);
            step.Add((byte)'/');
            if (step.Count < LongestStep && i < names.Count - 1)
                continue;
            int next = Syscall.Open(current.Value, step.ToArray(), Flags);
            current.Dispose();
            current = new Descriptor(KernelException.Check(next, $"open {Show(directory)}"));
            step.Clear();
        }

        return current;
    }

    /// <summary>Opens an inode by one of its names; null (and a line in the log) if the kernel refuses.</summary>
    public Descriptor? Open(Node node, int flags)
    {
        if (node == Model.Root)
            return new Descriptor(KernelException.Check(Syscall.Open(_root.Value, "."u8, flags), $"open {Path}"));
        using Descriptor parent = OpenDirectory(node.Link.Parent);
        int result = Syscall.Open(parent.Value, node.Link.Name, flags | Syscall.OpenNoFollow);
        if (result >= 0)
            return new Descriptor(result);
        log.Call($"open {Show(node)}", result);
        return null;
    }

    public Node? MakeDirectory(Node parent, byte[] name) =>
        Make(parent, name, NodeKind.Directory, "mkdir", directory => Syscall.Mkdir(directory, name, 0x1ED));

    public Node? MakeFile(Node parent, byte[] name) =>
        Make(parent, name, NodeKind.File, "create", directory =>
        {
            int result = Syscall.Open(directory, name, Syscall.OpenWriteOnly | Syscall.OpenCreate | Syscall.OpenExclusive, 0x1A4);
            return result < 0 ? result : Libc.Close(result);
        });

    public Node? MakeSymlink(Node parent, byte[] name, byte[] target) =>
        Make(parent, name, NodeKind.Symlink, $"symlink {OperationLog.Show(target)}", directory => Syscall.Symlink(target, directory, name));

    public Node? MakeSpecial(Node parent, byte[] name, uint mode, ulong device) =>
        Make(parent, name, NodeKind.Special, $"mknod {mode:x} {device:x}", directory => Syscall.Mknod(directory, name, mode, device));

    public Node? MakeSubvolume(Node parent, byte[] name) =>
        Make(parent, name, NodeKind.Subvolume, "subvolume create", directory =>
        {
            using Descriptor real = OpenForIoctl(directory);
            return BtrfsIoctl.CreateSubvolume(real.Value, name);
        });

    /// <summary>Puts a writable snapshot of this subvolume, as it is now, into itself.</summary>
    public Node? SnapshotInto(Node parent, byte[] name) =>
        Make(parent, name, NodeKind.Subvolume, "subvolume snapshot .", directory =>
        {
            using Descriptor real = OpenForIoctl(directory);
            return BtrfsIoctl.CreateSnapshot(_root.Value, real.Value, name, readOnly: false);
        });

    public int Link(Node node, Node parent, byte[] name)
    {
        if (!IsAttached(parent) || node.Links.Count == 0)
            return -Errno.NoEntry;
        using Descriptor source = OpenDirectory(node.Link.Parent);
        using Descriptor target = OpenDirectory(parent);
        int result = Syscall.Link(source.Value, node.Link.Name, target.Value, name);
        log.Call($"link {Show(node)} {Show(parent)}/{OperationLog.Show(name)}", result);
        if (result >= 0)
            Model.Add(parent, name, node);
        return result;
    }

    /// <summary>Takes one name away, whatever it names; a directory must be empty.</summary>
    public int Remove(Entry entry)
    {
        if (!IsAttached(entry))
            return -Errno.NoEntry;
        using Descriptor parent = OpenDirectory(entry.Parent);
        string shown = Show(entry);
        int result;
        switch (entry.Target.Kind)
        {
            case NodeKind.Directory or NodeKind.Stub:
                result = Syscall.Rmdir(parent.Value, entry.Name);
                log.Call($"rmdir {shown}", result);
                break;
            case NodeKind.Subvolume:
                using (Descriptor real = OpenForIoctl(parent.Value))
                    result = BtrfsIoctl.DestroySubvolume(real.Value, entry.Name);
                log.Call($"subvolume delete {shown}", result);
                break;
            default:
                result = Syscall.Unlink(parent.Value, entry.Name);
                log.Call($"unlink {shown}", result);
                break;
        }

        if (result >= 0)
            Model.Remove(entry);
        return result;
    }

    /// <summary>Takes a name and all that is below it away, as far as the kernel allows.</summary>
    public int RemoveTree(Entry entry)
    {
        foreach (Entry child in entry.Target.Children.ToArray())
            RemoveTree(child);
        return Remove(entry);
    }

    public int Rename(Entry entry, Node newParent, byte[] newName, uint flags = 0)
    {
        if (!IsAttached(entry) || !IsAttached(newParent))
            return -Errno.NoEntry;
        using Descriptor source = OpenDirectory(entry.Parent);
        using Descriptor target = OpenDirectory(newParent);
        int result = Syscall.Rename(source.Value, entry.Name, target.Value, newName, flags);
        log.Call($"rename {Show(entry)} {Show(newParent)}/{OperationLog.Show(newName)} flags {flags}", result);
        if (result >= 0)
            FollowRename(entry, newParent, newName, flags, source.Value);
        return result;
    }

    /// <summary>Opens the subvolume again after the file system was mounted anew.</summary>
    public void Reopen(int newTopLevel)
    {
        _root.Dispose();
        _root = OpenRoot(path, newTopLevel);
    }

    public void Dispose() => _root.Dispose();

    private static Descriptor OpenRoot(string path, int topLevel) =>
        new(KernelException.Check(Syscall.Open(topLevel, Encoding.UTF8.GetBytes(path), Syscall.OpenReadOnly | Syscall.OpenDirectory), $"open {path}"));

    // Btrfs' ioctls do not work on descriptors that only name a place (O_PATH).
    private static Descriptor OpenForIoctl(int directory) =>
        new(KernelException.Check(Syscall.Open(directory, "."u8, Syscall.OpenReadOnly | Syscall.OpenDirectory), "reopen a directory"));

    private void FollowRename(Entry entry, Node newParent, byte[] newName, uint flags, int sourceDirectory)
    {
        Entry? replaced = SubvolumeModel.Find(newParent, newName);
        if (flags == Syscall.RenameExchange)
        {
            SubvolumeModel.Exchange(entry, replaced ?? throw new InvalidOperationException($"the kernel exchanged with {OperationLog.Show(newName)}, unknown to the model"));
            return;
        }

        // Two names of one inode: POSIX has rename do nothing at all.
        if (replaced is not null && replaced.Target == entry.Target)
            return;
        if (replaced is not null)
            Model.Remove(replaced);
        (Node oldParent, byte[] oldName) = (entry.Parent, entry.Name);
        SubvolumeModel.Move(entry, newParent, newName);
        if (flags == Syscall.RenameWhiteout)
            Model.Add(oldParent, oldName, new Node(NodeKind.Special, Syscall.InodeNumber(sourceDirectory, oldName)));
    }

    // In the middle of a composed operation a directory or name may have fallen to an earlier step.
    private bool IsAttached(Node directory) => SubvolumeModel.IsWithin(directory, Model.Root);

    private bool IsAttached(Entry entry) => entry.Target.Links.Contains(entry) && IsAttached(entry.Parent);

    private Node? Make(Node parent, byte[] name, NodeKind kind, string verb, Func<int, int> call)
    {
        if (!IsAttached(parent))
            return null;
        using Descriptor directory = OpenDirectory(parent);
        int result = call(directory.Value);
        log.Call($"{verb} {(parent == Model.Root ? "" : Show(parent) + "/")}{OperationLog.Show(name)}", result);
        if (result < 0)
            return null;
        Node node = new(kind, Syscall.InodeNumber(directory.Value, name));
        if (kind != NodeKind.Subvolume && !Model.NoteInode(node.Inode))
            log.Coverage.Count("state: inode number reused");
        Model.Add(parent, name, node);
        return node;
    }
}
