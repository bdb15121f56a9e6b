using System.CommandLine;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Engine.Comparing;
using Btrfs.Inode;
using Btrfs.Stream.Replay;
using Btrfs.Stream.Verify;

namespace Btrfs.Cli.Commands.Streams;

/// <summary><c>stream verify</c>: streams against the format, or against a subvolume.</summary>
internal static class StreamVerifyCommand
{
    public static Command Create()
    {
        Command command = new(
            "verify",
            "Verify streams: format, checksums, and that every command says what can be done. With --against, whether a subvolume equals what the chain of streams makes: names, attributes and content.");
        Option<string[]> against = new("--against")
        {
            HelpName = "IMAGE SUBVOL",
            Description = "Compare with this subvolume of an image; the files are read twice, and take about 400 bytes of memory for each inode and 32 for each write",
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string[]> devices = new("--device") { HelpName = "DEV", Description = "A further device of the image; repeatable" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only what is wrong" };
        Argument<string[]> files = StreamCommands.SeveralFiles();
        files.Arity = ArgumentArity.ZeroOrMore;
        files.Description += "; without --against each by itself, and standard input where none is named";
        command.Options.Add(against);
        command.Options.Add(devices);
        command.Options.Add(quiet);
        command.Arguments.Add(files);
        command.SetAction(parsed =>
        {
            string[] paths = parsed.GetValue(files) ?? [];
            ImageArguments.RefuseUnknownOptions(parsed, [.. paths.Where(path => path != StreamInput.Standard)]);
            bool isQuiet = parsed.GetValue(quiet);
            if (parsed.GetValue(against) is not { Length: 2 } place)
                return Verify(paths.Length == 0 ? [StreamInput.Standard] : paths, isQuiet);
            if (paths.Length == 0)
                throw new UsageException("FILE is missing");
            return Compare(paths, [place[0], .. parsed.GetValue(devices) ?? []], ImageArguments.PathOf(place[1]), isQuiet);
        });
        return command;
    }

    private static int Verify(string[] paths, bool isQuiet)
    {
        using Session session = new();
        TextOutput.Use(output =>
        {
            foreach (string path in paths)
            {
                using System.IO.Stream input = StreamInput.Open(path);
                VerifiedStreams verified = InFile(path, () => StreamVerifier.Verify(input, session.Stopped));
                if (!isQuiet)
                    output.Line($"{path}: {verified.Streams} stream(s) of {verified.Subvolumes} subvolume(s), {verified.Commands} commands, {verified.Bytes} bytes, no error found");
            }
        });
        return ExitCode.Success;
    }

    private static int Compare(string[] paths, string[] devices, FsPath subvolume, bool isQuiet)
    {
        using Session session = new();
        using BtrfsFileSystem fs = ImageArguments.Open(devices, isQuiet);
        using StreamChain chain = StreamChain.Open(paths, options: null, session.Stopped);
        StreamComparisonReport report = fs.CompareWithStreams(subvolume, chain, expected: null, session.Stopped);
        TextOutput.Use(output =>
        {
            foreach (string difference in report.Differences)
                output.Append(System.Text.Encoding.UTF8.GetBytes(difference)).Line();
            if (report.DifferenceCount > report.Differences.Count)
                output.Line($"and {report.DifferenceCount - report.Differences.Count} more");
            if (!isQuiet)
                output.Line($"{report.Inodes} inodes and {report.ContentBytes} bytes compared, {(report.IsEqual ? "no difference" : $"{report.DifferenceCount} difference(s)")} found");
        });
        return report.IsEqual ? ExitCode.Success : ExitCode.Failure;
    }

    private static T InFile<T>(string path, Func<T> verify)
    {
        try
        {
            return verify();
        }
        catch (Btrfs.Stream.StreamFormatException error)
        {
            throw new StreamChainException(path, error);
        }
    }
}
