using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Names that come, go and move, one at a time.</summary>
internal static class NameOperations
{
    private const uint Permissions = 0x1A4;

    public static void Create(Session session)
    {
        SeededRandom random = session.Random;
        Node parent = session.PickDirectory();
        byte[] name = session.Names.Next(parent);
        if (random.Percent(session.Options.Mix.DirectoryPercent))
        {
            session.Current.MakeDirectory(parent, name);
            return;
        }

        switch (random.Below(20))
        {
            case 0:
                session.Current.MakeSpecial(parent, name, Syscall.ModeFifo | Permissions, 0);
                break;
            case 1:
                session.Current.MakeSpecial(parent, name, Syscall.ModeSocket | Permissions, 0);
                break;
            case 2:
                uint mode = random.Percent(50) ? Syscall.ModeCharacter : Syscall.ModeBlock;
                session.Current.MakeSpecial(parent, name, mode | Permissions, random.Percent(50) ? 0x0103 : random.NextULong() & 0xFFFFFFF);
                break;
            case 3 or 4:
                session.Current.MakeSymlink(parent, name, SymlinkTarget(random));
                break;
            default:
                Node? file = session.Current.MakeFile(parent, name);
                if (file is not null && random.Percent(70))
                    DataOperations.WriteInto(session, file);
                break;
        }
    }

    public static void Remove(Session session)
    {
        if (session.PickEntry() is not { } entry)
            return;
        if (session.Random.Percent(25))
            session.Current.RemoveTree(entry);
        else if (entry.Target.Kind == NodeKind.File && session.Random.Percent(15))
            RemoveWhileOpen(session, entry);
        else
            session.Current.Remove(entry);
    }

    /// <summary>Removes a name and gives it at once to something new, often of another type.</summary>
    public static void Replace(Session session)
    {
        if (session.PickEntry() is not { } entry)
            return;
        (Node parent, byte[] name) = (entry.Parent, entry.Name);
        if (session.Current.RemoveTree(entry) < 0)
            return;
        switch (session.Random.Below(4))
        {
            case 0:
                session.Current.MakeDirectory(parent, name);
                break;
            case 1:
                session.Current.MakeSymlink(parent, name, SymlinkTarget(session.Random));
                break;
            case 2 when session.PickFile() is { } file:
                session.Current.Link(file, parent, name);
                break;
            default:
                if (session.Current.MakeFile(parent, name) is { } made)
                    DataOperations.WriteInto(session, made);
                break;
        }
    }

    public static void Rename(Session session)
    {
        SeededRandom random = session.Random;
        if (session.PickEntry() is not { } entry)
            return;
        Node parent = random.Percent(35) ? entry.Parent : session.PickDirectory();
        switch (random.Below(20))
        {
            case 0 or 1 or 2 when session.PickEntry() is { } other && other != entry && !IsStub(entry) && !IsStub(other):
                session.Current.Rename(entry, other.Parent, other.Name, Syscall.RenameExchange);
                break;
            case 3 or 4 when session.PickEntry() is { } other:
                // Often replaces a file, or an empty directory; else the kernel's refusal is logged.
                session.Current.Rename(entry, other.Parent, other.Name);
                break;
            case 5:
                session.Current.Rename(entry, parent, session.Names.Next(parent), Syscall.RenameNoReplace);
                break;
            case 6 when random.Percent(30):
                session.Current.Rename(entry, parent, session.Names.Next(parent), Syscall.RenameWhiteout);
                break;
            case 7 or 8 or 9:
                // Same name elsewhere: the case where only the parent of an inode changes.
                session.Current.Rename(entry, parent, entry.Name);
                break;
            default:
                session.Current.Rename(entry, parent, session.Names.Next(parent));
                break;
        }
    }

    public static void Link(Session session)
    {
        SeededRandom random = session.Random;
        Node? node = random.Percent(90) || session.Model.Others.Count == 0 ? session.PickFile() : random.Pick(session.Model.Others);
        if (node is null || node.Kind is NodeKind.Subvolume or NodeKind.Stub)
            return;
        int count = random.Percent(10) ? random.Between(3, 12) : 1;
        for (int i = 0; i < count; i++)
        {
            Node parent = session.PickDirectory();
            session.Current.Link(node, parent, session.Names.Next(parent));
        }
    }

    /// <summary>Takes away one name of an inode that has several, sometimes to give it to another inode.</summary>
    public static void ShuffleLinks(Session session)
    {
        Node[] linked = [.. session.Model.Files.Where(file => file.Links.Count > 1)];
        if (linked.Length == 0)
        {
            Link(session);
            return;
        }

        Node first = session.Random.Pick(linked);
        Entry entry = session.Random.Pick(first.Links);
        (Node parent, byte[] name) = (entry.Parent, entry.Name);
        if (session.Current.Remove(entry) >= 0 && session.Random.Percent(60))
            session.Current.Link(session.Random.Pick(linked.Where(file => file.Links.Count > 0).ToArray()), parent, name);
    }

    public static byte[] SymlinkTarget(SeededRandom random) => random.Below(6) switch
    {
        0 => Encoding.ASCII.GetBytes(new string('t', random.Between(200, 3700))),
        1 => [.. random.Bytes(8).Select(value => (byte)(value | 0x80))],
        _ => Encoding.ASCII.GetBytes($"../somewhere/{random.Below(1000)}"),
    };

    // Linux up to at least 6.18 aborts the transaction when such a directory is exchanged, and the file system turns read-only.
    private static bool IsStub(Entry entry) => entry.Target.Kind == NodeKind.Stub;

    private static void RemoveWhileOpen(Session session, Entry entry)
    {
        if (session.Current.Open(entry.Target, Syscall.OpenReadWrite) is { } file)
            session.OpenFiles.Add(file);
        foreach (Entry link in entry.Target.Links.ToArray())
            session.Current.Remove(link);
    }
}
