using System.Diagnostics;
using System.Globalization;
using Btrfs.Fidelity;

return args switch
{
    ["export", string seed, string directory] => ExportSeed(seed, directory),
    ["replay", .. string[] directories] when directories.Length > 0 => Replay(directories),
    _ => Usage(),
};

static int ExportSeed(string seed, string directory)
{
    Stopwatch watch = Stopwatch.StartNew();
    Export export = Export.Write(ulong.Parse(seed, CultureInfo.InvariantCulture), directory);
    Console.WriteLine($"seed {seed}: {export.Options}");
    Console.WriteLine(
        $"{export.Snapshots.Length} snapshots, {export.Streams.Length} streams, {export.Streams.Sum(stream => stream.LengthBytes):n0} bytes,"
        + $" {export.Streams.Count(stream => stream.Errno != 0)} refused by the kernel, {watch.Elapsed.TotalSeconds:f1} s");
    return 0;
}

static int Replay(string[] directories)
{
    int equal = 0;
    int different = 0;
    foreach (string directory in directories)
    {
        (List<string> images, List<Recording> recordings) = Export.Read(directory);
        foreach (Verdict verdict in Judge.Compare(images, recordings, () => new EngineSendUnderTest(), directory))
        {
            if (verdict.IsEqual)
            {
                equal++;
                continue;
            }

            different++;
            Console.WriteLine($"{directory}: {verdict.Request}: {verdict.Difference}");
        }
    }

    Console.WriteLine($"{equal} equal, {different} different");
    return different == 0 ? 0 : 1;
}

static int Usage()
{
    Console.Error.WriteLine("usage: Btrfs.Fidelity export SEED DIRECTORY | replay DIRECTORY...");
    return 2;
}
