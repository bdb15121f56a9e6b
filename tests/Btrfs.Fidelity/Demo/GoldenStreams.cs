using System.Diagnostics;

namespace Btrfs.Fidelity.Demo;

/// <summary>Shows what the command line does, on a golden state: what is in it, and that our streams of it are the kernel's.</summary>
internal static class GoldenStreams
{
    private const int DumpedCommands = 12;

    /// <returns>How many streams differ from the kernel's.</returns>
    public static int Show(string golden, string engine, string work)
    {
        (List<string> images, List<Recording> recordings) = Golden.Open(golden, work);
        string[] devices = [.. images.Skip(1).SelectMany(image => new[] { "--device", image })];
        Console.WriteLine($"A file system that Linux made, unmounted, on {images.Count} image file(s):");
        Console.WriteLine($"  {Export.Load(golden).Options}");
        Console.WriteLine("Its subvolumes (btrfs-engine subvolume list):");
        foreach (string line in Lines(engine, ["subvolume", "list", .. devices, images[0]]))
            Console.WriteLine($"  {line}");

        // The command line adds the parent to the clone sources, and chooses a parent among them, as btrfs-progs does: other requests have no command.
        List<Recording> shown = [.. recordings.Where(recording => recording.Request.Parent is { } parent
            ? recording.Request.CloneSources.Contains(parent)
            : recording.Request.CloneSources.Length == 0)];
        Console.WriteLine($"What Linux sent of it, and what btrfs-engine sends of the unmounted images, without root:");
        string ours = Path.Combine(work, "ours.stream");
        int different = 0;
        foreach (Recording recording in shown)
        {
            string[] options = Options(recording.Request);
            Stopwatch watch = Stopwatch.StartNew();
            Lines(engine, ["send", "-q", .. options, .. devices, "-f", ours, images[0], recording.Request.Subvolume]);
            bool equal = File.ReadAllBytes(ours).AsSpan().SequenceEqual(File.ReadAllBytes(recording.File));
            different += equal ? 0 : 1;
            Console.WriteLine(
                $"  {(equal ? "equal    " : "DIFFERENT")} {recording.LengthBytes,9:n0} bytes {watch.ElapsedMilliseconds,5} ms  send {string.Join(' ', options)} {recording.Request.Subvolume}");
        }

        Console.WriteLine($"The last one begins (btrfs-engine receive --dump):");
        foreach (string line in Lines(engine, ["receive", "--dump", "-f", ours]).Take(DumpedCommands))
            Console.WriteLine($"  {line}");
        Console.WriteLine($"{shown.Count} streams, {shown.Count - different} equal to the kernel's byte for byte, {different} different");
        return different;
    }

    private static string[] Options(SendRequest request) =>
    [
        .. request.Parent is { } parent ? new[] { "-p", parent } : [],
        .. request.CloneSources.SelectMany(source => new[] { "-c", source }),
        "--proto", $"{request.Protocol}",
        .. request.CompressedData ? new[] { "--compressed-data" } : [],
        .. request.NoData ? new[] { "--no-data" } : [],
    ];

    private static string[] Lines(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(Path.GetFullPath(program), arguments) { RedirectStandardOutput = true })
            ?? throw new IOException($"{program} does not start");
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            : throw new IOException($"{program} {string.Join(' ', arguments)} ends with {process.ExitCode}");
    }
}
