namespace Btrfs.Stream;

// In here it wins over System.IO.Path of the implicit usings.
using static Btrfs.Stream.AttributeType;

/// <summary>An attribute that a command has.</summary>
/// <param name="Type">Which.</param>
/// <param name="IsRequired">False where the command means something without it.</param>
public readonly record struct ExpectedAttribute(AttributeType Type, bool IsRequired);

/// <summary>A command and its attributes.</summary>
public sealed class CommandDefinition
{
    private readonly ExpectedAttribute[] _attributes;

    internal CommandDefinition(CommandType type, int sinceVersion, params ExpectedAttribute[] attributes)
    {
        Type = type;
        SinceVersion = sinceVersion;
        Name = FieldName.FromPascalCase(type.ToString());
        _attributes = attributes;
        foreach (ExpectedAttribute attribute in attributes)
        {
            AllowedMask |= 1ul << (int)attribute.Type;
            if (attribute.IsRequired)
                RequiredMask |= 1ul << (int)attribute.Type;
        }
    }

    /// <summary>The command.</summary>
    public CommandType Type { get; }

    /// <summary>The first protocol version whose senders emit it.</summary>
    public int SinceVersion { get; }

    /// <summary>Its name as the format documentation spells it, in lower case.</summary>
    public string Name { get; }

    /// <summary>Its attributes in the order in which the kernel emits them. Receivers accept any order (but see <see cref="AttributeType.Data"/>).</summary>
    public ReadOnlySpan<ExpectedAttribute> Attributes => _attributes;

    /// <summary>Bit n stands for the required attribute of number n.</summary>
    internal ulong RequiredMask { get; }

    /// <summary>The same of all its attributes.</summary>
    internal ulong AllowedMask { get; }
}

/// <summary>Every command of the format with its attributes: what the reader demands and the documentation lists.</summary>
public static class CommandTable
{
    private static readonly CommandDefinition[] s_all =
    [
        new(CommandType.Subvol, 1, Must(Path), Must(Uuid), Must(Ctransid)),
        new(CommandType.Snapshot, 1, Must(Path), Must(Uuid), Must(Ctransid), Must(CloneUuid), Must(CloneCtransid)),
        new(CommandType.Mkfile, 1, Must(Path), Must(Ino)),
        new(CommandType.Mkdir, 1, Must(Path), Must(Ino)),
        new(CommandType.Mknod, 1, Must(Path), Must(Ino), Must(Rdev), Must(Mode)),
        // The kernel sends device and mode with these two as well; no receiver needs them.
        new(CommandType.Mkfifo, 1, Must(Path), Must(Ino), May(Rdev), May(Mode)),
        new(CommandType.Mksock, 1, Must(Path), Must(Ino), May(Rdev), May(Mode)),
        new(CommandType.Symlink, 1, Must(Path), Must(Ino), Must(PathLink)),
        new(CommandType.Rename, 1, Must(Path), Must(PathTo)),
        new(CommandType.Link, 1, Must(Path), Must(PathLink)),
        new(CommandType.Unlink, 1, Must(Path)),
        new(CommandType.Rmdir, 1, Must(Path)),
        new(CommandType.SetXattr, 1, Must(Path), Must(XattrName), Must(XattrData)),
        new(CommandType.RemoveXattr, 1, Must(Path), Must(XattrName)),
        new(CommandType.Write, 1, Must(Path), Must(FileOffset), Must(Data)),
        new(CommandType.Clone, 1, Must(FileOffset), Must(CloneLen), Must(Path), Must(CloneUuid), Must(CloneCtransid), Must(ClonePath), Must(CloneOffset)),
        new(CommandType.Truncate, 1, Must(Path), Must(Size)),
        new(CommandType.Chmod, 1, Must(Path), Must(Mode)),
        new(CommandType.Chown, 1, Must(Path), Must(Uid), Must(Gid)),
        new(CommandType.Utimes, 1, Must(Path), Must(Atime), Must(Mtime), Must(Ctime), May(Otime)),
        new(CommandType.End, 1),
        new(CommandType.UpdateExtent, 1, Must(Path), Must(FileOffset), Must(Size)),
        new(CommandType.Fallocate, 2, Must(Path), Must(FallocateMode), Must(FileOffset), Must(Size)),
        new(CommandType.Fileattr, 2, Must(Path), Must(AttributeType.Fileattr)),
        // An absent compression or encryption is none.
        new(CommandType.EncodedWrite, 2, Must(Path), Must(FileOffset), Must(UnencodedFileLen), Must(UnencodedLen), Must(UnencodedOffset), May(Compression), May(Encryption), Must(Data)),
        new(CommandType.EnableVerity, 3, Must(Path), Must(VerityAlgorithm), Must(VerityBlockSize), Must(VeritySaltData), Must(VeritySigData)),
    ];

    /// <summary>Every command, by ascending number from 1 on.</summary>
    public static ReadOnlySpan<CommandDefinition> All => s_all;

    /// <summary>The definition of a command, or null where the format has no command of this number.</summary>
    public static CommandDefinition? Find(CommandType type)
    {
        int index = (int)type - 1;
        return (uint)index < (uint)s_all.Length ? s_all[index] : null;
    }

    /// <summary>The command's name, or "command N" where it has none.</summary>
    public static string NameOf(CommandType type) => Find(type)?.Name ?? $"command {(int)type}";

    private static ExpectedAttribute Must(AttributeType type) => new(type, IsRequired: true);

    private static ExpectedAttribute May(AttributeType type) => new(type, IsRequired: false);
}
