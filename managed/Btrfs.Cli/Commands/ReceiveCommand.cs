using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Receive;
using Btrfs.Receive.Parts;
using Btrfs.Stream;
using Btrfs.Stream.Dump;

namespace Btrfs.Cli.Commands;

/// <summary><c>receive</c>: the options of btrfs-progs with their meaning, onto an image; and what becomes of a receive that was interrupted.</summary>
internal static class ReceiveCommand
{
    public static Command Create()
    {
        Command command = new(
            "receive",
            "Receive subvolumes from send streams onto an image. A subvolume appears when its stream is complete; what is interrupted before stays as a part, with which a later receive can go on.");
        Option<string?> file = new("-f", "--file") { HelpName = "FILE", Description = "Read FILE; default is standard input" };
        Option<bool> stopAtEnd = new("-e") { Description = "Stop at the first end command; default is the end of the input" };
        Option<bool> chroot = new("-C", "--chroot") { Description = "Nothing: a stream never gets out of its subvolume" };
        Option<string?> maxErrors = new("-E", "--max-errors") { HelpName = "N", Description = "Give up at N commands that can't be carried out; 0 for never, default is 1" };
        Option<bool> decompress = new("--force-decompress") { Description = "Decode compressed data instead of storing it as it comes" };
        Option<bool> resume = new("--resume") { Description = "Go on with a part: the input is what 'send --resume TOKEN' made, or the whole stream once more" };
        Option<string?> commit = new("--commit") { HelpName = "SIZE", Description = "Make all durable after so many bytes, for a later receive to go on from there; default is 1G, or 30 seconds" };
        Option<bool> listParts = new("--list-parts") { Description = "Receive nothing, but list what was received in part: token, place and name" };
        Option<bool> clean = new("--clean") { Description = "Receive nothing, but delete what was received in part" };
        Option<bool> dump = new("--dump") { Description = "Receive nothing, but print what the stream holds, a line for each command; without IMAGE" };
        Option<bool> progress = new("--progress") { Description = "Tell rate and, of a FILE, percent and time left on standard error; on a terminal that is so anyway" };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Tell more on standard error" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        foreach (Option option in new Option[] { file, stopAtEnd, chroot, maxErrors, decompress, resume, commit, listParts, clean, dump, progress, verbose, quiet })
            command.Options.Add(option);
        ImageArguments image = new(command, 0, ("DEST", "The directory that gets the subvolumes, counted from the top level (subvolume 5); default is that"));

        command.SetAction(parsed =>
        {
            bool isQuiet = parsed.GetValue(quiet);
            if (parsed.GetValue(dump))
            {
                using Session session = new();
                Dump(parsed.GetValue(file));
                return;
            }

            (IReadOnlyList<string> devices, IReadOnlyList<string> others) = image.Split(parsed);
            if (parsed.GetValue(listParts))
            {
                ListParts(devices, isQuiet);
                return;
            }

            if (parsed.GetValue(clean))
            {
                ImageArguments.Change(devices, (fs, _) => Clean(fs, isQuiet), isQuiet);
                return;
            }

            ReceiveOptions options = new();
            options = options with
            {
                StopAtEnd = parsed.GetValue(stopAtEnd),
                ForceDecompress = parsed.GetValue(decompress),
                Resume = parsed.GetValue(resume),
                CommitBytes = parsed.GetValue(commit) is { } size ? SizeOf(size) : options.CommitBytes,
                MaxErrors = parsed.GetValue(maxErrors) is { } text ? NumberOf(text) : 1,
            };
            Verbosity verbosity = isQuiet ? Verbosity.Quiet : parsed.GetValue(verbose) ? Verbosity.Verbose : Verbosity.Normal;
            FsPath directory = others.Count > 0 ? ImageArguments.PathOf(others[0]) : FsPath.Root;
            bool showsProgress = parsed.GetValue(progress) || (!isQuiet && ErrorOutput.IsTerminal);
            Receive(devices, parsed.GetValue(file), directory, options, verbosity, showsProgress);
        });
        return command;
    }

    private static void Receive(IReadOnlyList<string> devices, string? file, FsPath directory, ReceiveOptions options, Verbosity verbosity, bool showsProgress)
    {
        using System.IO.Stream input = StreamInput.Open(file, readsAhead: false);
        ReceiveReport report = new(verbosity, showsProgress ? new ProgressLine("received", StreamInput.LengthOf(file)) : null);
        ImageArguments.Change(
            devices,
            (fs, stopped) =>
            {
                try
                {
                    fs.Receive(input, directory, options, report, stopped);
                }
                catch (Exception error) when (error is BtrfsException or StreamFormatException or IOException or OperationCanceledException)
                {
                    report.TellParts(fs);
                    throw;
                }

                report.Finish();
            },
            verbosity == Verbosity.Quiet);
    }

    private static void Dump(string? file)
    {
        using System.IO.Stream input = StreamInput.Open(file);
        using StandardOutput output = new();
        new StreamDumper(output, TimeZoneInfo.Local).Dump(input);
    }

    private static void ListParts(IReadOnlyList<string> devices, bool isQuiet)
    {
        using BtrfsFileSystem fs = ImageArguments.Open(devices, isQuiet);
        foreach (ReceivedPart part in fs.FindReceivedParts())
            Console.WriteLine($"{part.Token?.ToString() ?? "-"}\t{part.Path}\t{(part.Name.IsEmpty ? "-" : new FsPath(part.Name))}");
    }

    private static void Clean(BtrfsFileSystem fs, bool isQuiet)
    {
        foreach (ReceivedPart part in fs.RemoveReceivedParts())
        {
            if (!isQuiet)
                ErrorOutput.WriteLine($"Deleted {part.Path}");
        }
    }

    private static long SizeOf(string text) =>
        ByteSize.TryParse(text, out ulong bytes) && bytes <= long.MaxValue ? (long)bytes : throw new UsageException($"'{text}' is not a size");

    private static int NumberOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : throw new UsageException($"'{text}' is not a number of errors");
}
