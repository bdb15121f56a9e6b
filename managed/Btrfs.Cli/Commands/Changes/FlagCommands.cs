using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands.Changes;

/// <summary><c>chattr</c> and <c>lsattr</c>: the flags of files, with the letters of e2fsprogs.</summary>
internal static class FlagCommands
{
    /// <summary>The places in which lsattr prints letters; a space is a flag that btrfs has not.</summary>
    private const string Columns = "  SDiadAc      C     m";

    private static readonly (char Letter, InodeFlags Flag)[] s_flags =
    [
        ('S', InodeFlags.Sync),
        ('D', InodeFlags.DirSync),
        ('i', InodeFlags.Immutable),
        ('a', InodeFlags.Append),
        ('d', InodeFlags.NoDump),
        ('A', InodeFlags.NoATime),
        ('c', InodeFlags.Compress),
        ('C', InodeFlags.NoDataCow),
        ('m', InodeFlags.NoCompress),
    ];

    public static Command Chattr()
    {
        Command command = new("chattr", "Change the flags of files and directories.");
        ImageArguments image = new(
            command,
            2,
            ("MODE", "+, - or = and letters: A no times of access, a append only, C no copy on write, c compress, D directory changes at once, d no dump, i immutable, m don't compress, S changes at once"),
            ("PATH...", "Whose"))
        {
            IsArgument = IsMode,
        };
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> arguments) = image.Split(parsed);
            string mode = arguments[0];
            if (!IsMode(mode))
                throw new UsageException($"'{mode}' is not a change of flags: +, - or =, and letters out of {string.Concat(s_flags.Select(flag => flag.Letter))}");
            if (arguments.Count < 2)
                throw new UsageException("PATH is missing");
            InodeFlags given = mode.Skip(1).Aggregate(InodeFlags.None, (flags, letter) => flags | Array.Find(s_flags, flag => flag.Letter == letter).Flag);
            ImageArguments.Change(devices, (fs, _) =>
            {
                foreach (string path in arguments.Skip(1))
                    Change(fs, ImageArguments.PathOf(path), mode[0], given);
            });
        });
        return command;
    }

    public static Command Lsattr()
    {
        Command command = new("lsattr", "Tell the flags of files and directories.");
        Option<bool> itself = new("-d") { Description = "Of directories themselves, not of what is in them" };
        command.Options.Add(itself);
        ImageArguments image = new(command, 0, ("PATH...", "Whose; default is the top directory"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> given) = image.Split(parsed);
            IReadOnlyList<string> paths = given.Count > 0 ? given : ["/"];
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            TextOutput.Use(output =>
            {
                foreach (string path in paths)
                {
                    FsPath at = ImageArguments.PathOf(path);
                    FileStatus status = fs.GetStatus(at);
                    if (!status.IsDirectory || parsed.GetValue(itself))
                    {
                        Print(output, status, at);
                        continue;
                    }

                    foreach (DirectoryEntry entry in fs.EnumerateDirectory(at))
                    {
                        FsPath below = Places.Join(at, entry.NameBytes.Span);
                        Print(output, fs.GetStatus(below), below);
                    }
                }
            });
        });
        return command;
    }

    private static bool IsMode(string text) =>
        (text.Length > 1 || text is "=") && text[0] is '+' or '-' or '=' && text.Skip(1).All(letter => s_flags.Any(flag => flag.Letter == letter));

    private static void Change(BtrfsFileSystem fs, FsPath path, char how, InodeFlags given)
    {
        InodeFlags all = s_flags.Aggregate(InodeFlags.None, (flags, flag) => flags | flag.Flag);
        InodeFlags old = fs.GetStatus(path).Flags & all;
        InodeFlags updated = how switch { '+' => old | given, '-' => old & ~given, _ => given };

        // Of two that exclude each other, the one that is asked for counts; who asks for both is refused.
        InodeFlags both = InodeFlags.Compress | InodeFlags.NoCompress;
        if (how == '+' && (given & both) is InodeFlags.Compress or InodeFlags.NoCompress)
            updated = (updated & ~both) | (given & both);
        if (updated != old)
            fs.SetFlags(path, updated);
    }

    private static void Print(TextOutput output, FileStatus status, FsPath path)
    {
        string text = string.Concat(Columns.Select(letter => (status.Flags & Array.Find(s_flags, flag => flag.Letter == letter).Flag) != 0 ? letter : '-'));
        output.Append($"{text} ").Append(path.Bytes).Line();
    }
}
