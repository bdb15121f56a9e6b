using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Engine;
using Btrfs.Inode;
using Btrfs.Stream;

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
        Option<string[]> files = new("-f", "--file") { HelpName = "FILE", Description = "Write to FILE, which appears when it is complete; default is standard output. Repeatable: all get the same stream, made once" };
        Option<bool> join = new("-e") { Description = "Make one stream of several subvolumes: one header, one end command" };
        Option<bool> noData = new("--no-data") { Description = "Tell which extents changed, without their data" };
        Option<bool> cloneAll = new("--clone-all") { Description = "Clone also extents with more than 1024 references, which btrfs send writes again: a smaller stream, that shares more" };
        Option<bool> noVerify = new("--no-verify-data") { Description = "Let data go unseen from the page cache to a pipe, with the checksums that are stored of it: the receiver then finds what is damaged" };
        Option<string?> protocol = new("--proto") { HelpName = "N", Description = "Protocol version: 1 or 2, 0 for the highest; default is 1, or 2 with --compressed-data" };
        Option<bool> compressed = new("--compressed-data") { Description = "Send compressed extents as they lie on the disk" };
        Option<bool> estimate = new("--estimate") { Description = "Print the exact size of the stream in bytes instead, without reading file data" };
        Option<string?> resume = new("--resume") { HelpName = "TOKEN", Description = "Go on where a receiver stopped, with the token that it told; all else as for the stream that was cut" };
        Option<bool> progress = new("--progress") { Description = "Tell rate, percent and time left on standard error" };
        Option<bool> verbose = new("-v", "--verbose") { Description = "Tell more on standard error" };
        Option<bool> quiet = new("-q", "--quiet") { Description = "Tell only errors" };
        foreach (Option option in new Option[] { join, parent, cloneSources, files, noData, noVerify, cloneAll, protocol, compressed, estimate, resume, progress, verbose, quiet })
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
                CloneAll = parsed.GetValue(cloneAll),
                VerifyData = !parsed.GetValue(noVerify),
                Protocol = parsed.GetValue(protocol) is { } version ? ProtocolOf(version) : null,
                CompressedData = parsed.GetValue(compressed),
                Resume = parsed.GetValue(resume) is { } token ? TokenOf(token) : null,
            };
            Verbosity verbosity = parsed.GetValue(quiet) ? Verbosity.Quiet : parsed.GetValue(verbose) ? Verbosity.Verbose : Verbosity.Normal;
            if (parsed.GetValue(estimate))
                Estimate(devices, request, verbosity);
            else
                Run(devices, request, parsed.GetValue(files) ?? [], verbosity, parsed.GetValue(progress));
        });
        return command;
    }

    private static void Estimate(IReadOnlyList<string> devices, SendRequest request, Verbosity verbosity)
    {
        using Session session = new();
        using BtrfsFileSystem fs = ImageArguments.Open(devices, verbosity == Verbosity.Quiet);
        long bytes = fs.EstimateSend(request, progress: null, session.Stopped);
        TextOutput.Use(output => output.Line(bytes.ToString(CultureInfo.InvariantCulture)));
    }

    private static void Run(IReadOnlyList<string> devices, SendRequest request, string[] files, Verbosity verbosity, bool showsProgress)
    {
        if (files.Length == 0 && !Console.IsOutputRedirected)
            throw new IOException("not dumping send stream into a terminal, redirect it into a file");

        using Session session = new();
        using BtrfsFileSystem fs = ImageArguments.Open(devices, verbosity == Verbosity.Quiet);
        SendReport report = new(verbosity, showsProgress ? Progress(fs, request, session.Stopped) : null);
        long written;
        if (files.Length == 0)
        {
            using StandardOutput output = new();
            written = fs.Send(request, output, report, session.Stopped);
        }
        else
        {
            using SendOutputs outputs = new(files);
            written = fs.Send(request, outputs.Stream, report, session.Stopped);
            outputs.Commit();
        }

        report.Finish(written);
    }

    // The size is exact, and found from metadata in a small part of the time that the send takes.
    private static ProgressLine Progress(BtrfsFileSystem fs, SendRequest request, CancellationToken stopped)
    {
        long start = request.Resume?.StreamOffset ?? 0;
        return new ProgressLine("sent", fs.EstimateSend(request with { Resume = null }, progress: null, stopped), start);
    }

    private static ResumeToken TokenOf(string text) =>
        ResumeToken.TryParse(text, out ResumeToken? token) ? token : throw new UsageException($"'{text}' is not a resume token");

    private static int ProtocolOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int version) ? version : throw new UsageException($"'{text}' is not a protocol version");

    private static FsPath PathOf(string argument) => new(RawArguments.BytesOf(argument));
}
