using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Inode;

namespace Btrfs.Cli.Commands;

/// <summary><c>send</c>: the options of btrfs-progs with their meaning, on an image.</summary>
internal static class SendCommand
{
    public static Command Create()
    {
        Command command = new("send", "Send read-only subvolumes as a stream for 'btrfs receive', whole or as the difference to a parent.");
        Option<string?> parent = new("-p", "--parent") { HelpName = "PARENT", Description = "Send the difference to this subvolume, which the receiver has; it is a clone source too" };
        Option<string[]> cloneSources = new("-c", "--clone-src")
        {
            HelpName = "CLONESRC",
            Description = "A subvolume that the receiver has, to clone extents from; repeatable. Without -p the parent is chosen among them, and each sent subvolume joins them",
        };
        Option<string?> file = new("-f", "--file") { HelpName = "FILE", Description = "Write to FILE, which appears when it is complete; default is standard output" };
        Option<bool> join = new("-e") { Description = "Make one stream of several subvolumes: one header, one end command" };
        Option<bool> noData = new("--no-data") { Description = "Tell which extents changed, without their data" };
        Option<string?> protocol = new("--proto") { HelpName = "N", Description = "Protocol version: 1 or 2, 0 for the highest; default is 1, or 2 with --compressed-data" };
        Option<bool> compressed = new("--compressed-data") { Description = "Send compressed extents as they lie on the disk" };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Tell more on standard error" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        foreach (Option option in new Option[] { join, parent, cloneSources, file, noData, protocol, compressed, verbose, quiet })
            command.Options.Add(option);
        ImageArguments image = new(command, 1, ("SUBVOL...", "Paths of the subvolumes, counted from the top level (subvolume 5)"));

        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> subvolumes) = image.Split(parsed);
            SendRequest request = new()
            {
                Subvolumes = [.. subvolumes.Select(PathOf)],
                Parent = parsed.GetValue(parent) is { } path ? PathOf(path) : (FsPath?)null,
                CloneSources = [.. (parsed.GetValue(cloneSources) ?? []).Select(PathOf)],
                JoinStreams = parsed.GetValue(join),
                NoData = parsed.GetValue(noData),
                Protocol = parsed.GetValue(protocol) is { } version ? ProtocolOf(version) : null,
                CompressedData = parsed.GetValue(compressed),
            };
            Verbosity verbosity = parsed.GetValue(quiet) ? Verbosity.Quiet : parsed.GetValue(verbose) ? Verbosity.Verbose : Verbosity.Normal;
            Run(devices, request, parsed.GetValue(file), verbosity);
        });
        return command;
    }

    private static void Run(IReadOnlyList<string> devices, SendRequest request, string? file, Verbosity verbosity)
    {
        if (file is null && !Console.IsOutputRedirected)
            throw new IOException("not dumping send stream into a terminal, redirect it into a file");

        using Session session = new();
        using BtrfsFileSystem fs = ImageArguments.Open(devices, verbosity == Verbosity.Quiet);
        SendReport report = new(verbosity);
        if (file is null)
        {
            using StandardOutput output = new();
            fs.Send(request, output, report, session.Stopped);
        }
        else
        {
            using OutputFile output = OutputFile.Create(file);
            fs.Send(request, output.Stream, report, session.Stopped);
            output.Commit();
        }

        report.Finish();
    }

    private static int ProtocolOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int version) ? version : throw new UsageException($"'{text}' is not a protocol version");

    private static FsPath PathOf(string argument) => new(RawArguments.BytesOf(argument));
}
