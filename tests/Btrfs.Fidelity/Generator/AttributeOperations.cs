using System.Buffers.Binary;
using System.Text;
using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Modes, owners, times, inode flags, extended attributes.</summary>
internal static class AttributeOperations
{
    private const uint SettableFlags = 0x4 | 0x8 | 0x40 | 0x80 | 0x10000 | FileIoctl.NoCopyOnWrite;

    public static void Any(Session session)
    {
        Node node = session.PickNode();
        switch (session.Random.Below(20))
        {
            case < 3:
                Chmod(session, node);
                break;
            case < 6:
                Chown(session, node);
                break;
            case < 8:
                SetTimes(session, node);
                break;
            case < 14:
                SetXattr(session, node);
                break;
            case < 17:
                RemoveXattr(session, node);
                break;
            default:
                SetFlags(session, node);
                break;
        }
    }

    /// <summary>Clears immutable and append-only, without which little more would happen to the inode.</summary>
    public static void Unlock(Session session, Node node) =>
        session.OpenAndDo(node, Syscall.OpenReadOnly | Syscall.OpenNonBlocking, "chattr -ia", descriptor =>
        {
            FileIoctl.GetFlags(descriptor, out uint flags);
            int result = FileIoctl.SetFlags(descriptor, flags & ~(FileIoctl.Immutable | FileIoctl.AppendOnly));
            if (result >= 0)
                node.Locked = false;
            return result;
        });

    private static void Chmod(Session session, Node node)
    {
        if (node.Kind == NodeKind.Symlink)
            return;
        uint mode = (uint)session.Random.Below(0x1000);
        At(session, node, $"chmod {Convert.ToString(mode, 8)}", (directory, name) => Syscall.Chmod(directory, name, mode));
    }

    private static void Chown(Session session, Node node)
    {
        uint owner = ChooseId(session.Random);
        uint group = ChooseId(session.Random);
        At(session, node, $"chown {owner}:{group}", (directory, name) => Syscall.Chown(directory, name, owner, group));
        if (node.Kind == NodeKind.File && session.Random.Percent(40))
            SetCapability(session, node);
    }

    private static uint ChooseId(SeededRandom random) => random.Below(5) switch
    {
        0 => 0,
        1 => 4294967294,
        _ => (uint)random.Below(70000),
    };

    private static void SetTimes(Session session, Node node)
    {
        SeededRandom random = session.Random;
        long access = ChooseSeconds(random);
        long change = ChooseSeconds(random);
        (int accessNanos, int changeNanos) = (random.Below(1_000_000_000), random.Below(1_000_000_000));
        At(session, node, $"utimes {access} {change}", (directory, name) => Syscall.SetTimes(directory, name, access, accessNanos, change, changeNanos));
    }

    private static long ChooseSeconds(SeededRandom random) => random.Below(5) switch
    {
        0 => -random.Between(1, 2_000_000_000),
        1 => 5_000_000_000L + random.Below(1_000_000_000),
        2 => 0,
        _ => random.Between(1, 2_000_000_000),
    };

    private static void SetXattr(Session session, Node node)
    {
        SeededRandom random = session.Random;
        int choice = random.Below(20);
        if (choice < 3 && node.Kind == NodeKind.File)
        {
            SetCapability(session, node);
            return;
        }

        (byte[] name, byte[] value) = choice switch
        {
            < 5 => (node.Kind == NodeKind.Directory && random.Percent(50) ? "system.posix_acl_default"u8.ToArray() : "system.posix_acl_access"u8.ToArray(), MakeAcl(random)),
            5 => ("btrfs.compression"u8.ToArray(), Encoding.ASCII.GetBytes(random.Pick(["zlib", "lzo", "zstd", "none", ""]))),
            6 => ("security.label"u8.ToArray(), random.Bytes(random.Between(0, 40))),
            < 9 => (Encoding.ASCII.GetBytes($"trusted.{random.Below(6)}"), random.Bytes(random.Between(0, 100))),
            _ => (UserName(session), random.Bytes(ChooseValueSize(session))),
        };
        AtPath(session, node, $"setxattr {OperationLog.Show(name)} ({value.Length})", descriptor => Syscall.SetXattr(descriptor, name, value));
    }

    private static void RemoveXattr(Session session, Node node)
    {
        SeededRandom random = session.Random;
        byte[] name = random.Below(8) switch
        {
            0 => "security.capability"u8.ToArray(),
            1 => "system.posix_acl_access"u8.ToArray(),
            2 => "btrfs.compression"u8.ToArray(),
            3 => Encoding.ASCII.GetBytes($"trusted.{random.Below(6)}"),
            _ => UserName(session),
        };
        AtPath(session, node, $"removexattr {OperationLog.Show(name)}", descriptor => Syscall.RemoveXattr(descriptor, name));
    }

    private static byte[] UserName(Session session)
    {
        byte[] name = session.Random.Below(12) switch
        {
            0 => [.. "user."u8, .. session.Names.Filled(250)],
            1 => [.. "user."u8, .. session.Names.Colliding("attribute"u8.ToArray())],
            2 => "user.attribute"u8.ToArray(),
            _ => Encoding.ASCII.GetBytes($"user.{(char)('a' + session.Random.Below(5))}"),
        };
        return name;
    }

    private static int ChooseValueSize(Session session) => session.Random.Below(10) switch
    {
        0 => 0,
        < 7 => session.Random.Between(1, 60),
        < 9 => session.Random.Between(60, 1500),
        _ => Math.Min(65536, session.Options.NodeSizeBytes - session.Random.Between(150, 400)),
    };

    // struct vfs_cap_data, revision 2 or (with a root id) 3.
    private static void SetCapability(Session session, Node file)
    {
        SeededRandom random = session.Random;
        bool withRoot = random.Percent(25);
        byte[] value = new byte[withRoot ? 24 : 20];
        BinaryPrimitives.WriteUInt32LittleEndian(value, (withRoot ? 0x03000000u : 0x02000000u) | (uint)random.Below(2));
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(4), (uint)random.NextULong());
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(8), (uint)random.NextULong());
        if (withRoot)
            BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(20), 1000);
        AtPath(session, file, $"set a capability ({value.Length})", descriptor => Syscall.SetXattr(descriptor, "security.capability"u8, value));
    }

    // The kernel's external form: version 2, then owner, a user, group, mask, other, in this order.
    private static byte[] MakeAcl(SeededRandom random)
    {
        const int EntrySize = 8;
        (ushort Tag, uint Id)[] entries = [(1, ~0u), (2, (uint)random.Below(3000)), (4, ~0u), (0x10, ~0u), (0x20, ~0u)];
        byte[] value = new byte[4 + (entries.Length * EntrySize)];
        BinaryPrimitives.WriteUInt32LittleEndian(value, 2);
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> entry = value.AsSpan(4 + (i * EntrySize));
            BinaryPrimitives.WriteUInt16LittleEndian(entry, entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], (ushort)random.Below(8));
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], entries[i].Id);
        }

        return value;
    }

    private static void SetFlags(Session session, Node node)
    {
        if (node.Kind is not (NodeKind.File or NodeKind.Directory))
            return;
        SeededRandom random = session.Random;
        uint wanted = (uint)random.NextULong() & SettableFlags;
        // NOCOMP and COMPR exclude each other; immutable and append-only are rare, for they stop nearly everything else.
        if ((wanted & FileIoctl.Compressed) == 0 && random.Percent(30))
            wanted |= 0x400;
        if (node.Links.Count > 0 && random.Percent(15))
            wanted |= random.Percent(50) ? FileIoctl.Immutable : FileIoctl.AppendOnly;
        session.OpenAndDo(node, Syscall.OpenReadOnly | Syscall.OpenNonBlocking, $"chattr ={wanted:x}", descriptor =>
        {
            int result = FileIoctl.SetFlags(descriptor, wanted);
            if (result >= 0)
                node.Locked = (wanted & (FileIoctl.Immutable | FileIoctl.AppendOnly)) != 0;
            return result;
        });
    }

    private delegate int NamedCall(int directory, ReadOnlySpan<byte> name);

    private static void At(Session session, Node node, string what, NamedCall call)
    {
        int result;
        if (node.Links.Count == 0)
        {
            result = call(session.Current.Root, "."u8);
        }
        else
        {
            using Descriptor parent = session.Current.OpenDirectory(node.Link.Parent);
            result = call(parent.Value, node.Link.Name);
        }

        session.Log.Call($"{what} {WorkingSubvolume.Show(node)}", result);
    }

    private static void AtPath(Session session, Node node, string what, Func<int, int> call) =>
        session.OpenAndDo(node, Syscall.OpenPath, what, call);
}
