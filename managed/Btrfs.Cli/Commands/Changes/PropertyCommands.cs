using System.CommandLine;
using System.Text;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Changes;

/// <summary><c>property get|set|list</c>: what btrfs-progs calls properties of subvolumes, inodes and file systems.</summary>
internal static class PropertyCommands
{
    private const string ReadOnly = "ro";
    private const string Label = "label";
    private const string Compression = "compression";

    private static readonly (string Name, string[] Types, string Description)[] s_known =
    [
        (ReadOnly, ["subvol", "s"], "read-only flag of a subvolume"),
        (Label, ["filesystem", "f", "device", "d"], "label of the file system"),
        (Compression, ["inode", "i"], "compression of a file or directory"),
    ];

    private static ReadOnlySpan<byte> CompressionXattr => "btrfs.compression"u8;

    public static Command Create()
    {
        Command group = new("property", "Tell and set properties: ro of a subvolume, label of the file system, compression of a file or directory.");
        group.Aliases.Add("prop");
        group.Subcommands.Add(Get());
        group.Subcommands.Add(Set());
        group.Subcommands.Add(List());
        return group;
    }

    private static Command Get()
    {
        Command command = new("get", "Tell a property, or all that an object has.");
        Option<string?> type = AddType(command);
        ImageArguments image = new(command, 1, ("PATH", "Whose"), ("NAME", "ro, label or compression; default is all"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            string? name = arguments.Count > 1 ? RequireKnown(arguments[1], parsed.GetValue(type)) : null;
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            Location at = new PathLookup(fs.Info).Find(ImageArguments.PathOf(arguments[0]));
            IEnumerable<string> names = name is null ? s_known.Where(known => Suits(known.Types, parsed.GetValue(type)) && Has(at, known.Name)).Select(known => known.Name) : [name];
            TextOutput.Use(output =>
            {
                foreach (string one in names)
                {
                    if (ValueOf(fs, at, one, arguments[0]) is { } value)
                        output.Append($"{one}=").Append(value).Line();
                }
            });
        });
        return command;
    }

    private static Command Set()
    {
        Command command = new("set", "Set a property; an empty value takes compression away.");
        Option<bool> force = new("-f", "--force") { Description = "Make a subvolume writable although it was received: it forgets what it was received from" };
        command.Options.Add(force);
        Option<string?> type = AddType(command);
        ImageArguments image = new(command, 3, ("PATH", "Whose"), ("NAME", "ro, label or compression"), ("VALUE", "true or false; a label; no, zlib, lzo or zstd"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            string name = RequireKnown(arguments[1], parsed.GetValue(type));
            FsPath path = ImageArguments.PathOf(arguments[0]);
            byte[] value = RawArguments.BytesOf(arguments[2]);
            bool? flag = arguments[2] switch { "true" => true, "false" => false, _ => null };
            if (name == ReadOnly && flag is null)
                throw new UsageException($"'{arguments[2]}' is not a value of ro, only true and false are");
            ImageArguments.Change(devices, (fs, _) =>
            {
                Location at = new PathLookup(fs.Writer.Running).Find(path);
                if (name == ReadOnly)
                    SetReadOnly(fs, at, path, flag!.Value, parsed.GetValue(force));
                else if (name == Label)
                    fs.SetLabel(value);
                else if (value.Length > 0)
                    fs.SetXattr(path, CompressionXattr, value);
                else if (CompressionOf(at) is not null)
                    fs.RemoveXattr(path, CompressionXattr);
            });
        });
        return command;
    }

    private static Command List()
    {
        Command command = new("list", "Tell which properties an object has.");
        Option<string?> type = AddType(command);
        ImageArguments image = new(command, 1, ("PATH", "Whose"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            Location at = new PathLookup(fs.Info).Find(ImageArguments.PathOf(arguments[0]));
            TextOutput.Use(output =>
            {
                foreach ((string name, _, string description) in s_known.Where(known => Suits(known.Types, parsed.GetValue(type)) && Has(at, known.Name)))
                    output.Line($"{name,-20}{description}");
            });
        });
        return command;
    }

    private static Option<string?> AddType(Command command)
    {
        Option<string?> type = new("-t", "--type") { HelpName = "TYPE", Description = "What is meant by PATH: inode, subvol, filesystem or device" };
        type.Validators.Add(result =>
        {
            string? given = result.GetValueOrDefault<string?>();
            if (given is not null && !s_known.Any(known => known.Types.Contains(given)))
                result.AddError($"'{given}' is not a type, only inode, subvol, filesystem and device are");
        });
        command.Options.Add(type);
        return type;
    }

    private static string RequireKnown(string name, string? type)
    {
        (string Name, string[] Types, string Description) found = Array.Find(s_known, known => known.Name == name);
        if (found.Name is null)
            throw new UsageException($"'{name}' is not a property, only ro, label and compression are");
        return Suits(found.Types, type) ? name : throw new UsageException($"'{name}' is not a property of type {type}");
    }

    private static bool Suits(string[] types, string? type) => type is null || types.Contains(type);

    private static bool Has(Location at, string name) => name switch
    {
        ReadOnly => at.IsSubvolumeTop,
        Label => at.IsSubvolumeTop && at.Subvolume.Id == ObjectIds.FsTree,
        _ => !at.IsEmptySubvolumeDirectory && at.GetStatus(at.Inode) is { IsDirectory: true } or { IsRegular: true },
    };

    private static byte[]? ValueOf(BtrfsFileSystem fs, Location at, string name, string path)
    {
        if (!Has(at, name) && name != Label)
            throw new InvalidRequestException($"'{path}' has no property {name}");
        return name switch
        {
            ReadOnly => Encoding.ASCII.GetBytes(at.Subvolume.Root.IsReadOnly ? "true" : "false"),
            Label => fs.Info.Superblock.Label.ToArray(),
            _ => CompressionOf(at),
        };
    }

    private static byte[]? CompressionOf(Location at)
    {
        foreach (Xattr xattr in at.Subvolume.EnumerateXattrs(at.Inode))
        {
            if (xattr.Name.SequenceEqual(CompressionXattr))
                return xattr.Value.ToArray();
        }

        return null;
    }

    private static void SetReadOnly(BtrfsFileSystem fs, Location at, FsPath path, bool isReadOnly, bool isForced)
    {
        bool wasReceived = at.IsSubvolumeTop && !at.Subvolume.Root.Item.ReceivedUuid.IsZero;
        if (wasReceived && at.Subvolume.Root.IsReadOnly && !isReadOnly && !isForced)
            throw new InvalidRequestException($"'{path}' was received, and would forget from what: it is made writable only by force");
        fs.SetReadOnly(path, isReadOnly);
    }
}
