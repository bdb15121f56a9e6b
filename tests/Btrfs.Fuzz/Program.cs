using System.Diagnostics;
using System.Globalization;
using Btrfs.Fuzz.Images;
using Btrfs.Fuzz.Mutations;
using Btrfs.Fuzz.Running;
using Btrfs.Fuzz.Streams;

// btrfs-fuzz [COUNT [FIRST-SEED]]      damages COUNT images, and saves those that show a fault as JSON in the working directory
// btrfs-fuzz --replay FILE.json...     runs saved ones again
// btrfs-fuzz --save SEED FILE.json     saves the case of a seed
// btrfs-fuzz --streams COUNT [SEED]    receives COUNT mutated streams onto a file system in memory
// btrfs-fuzz --check COUNT FIRST-SEED  holds the engine's check of damaged images against that of btrfs-progs
if (args is ["--streams", string streams, .. string[] first])
    return FuzzStreams(Number(streams), first.Length > 0 ? Number(first[0]) : Environment.TickCount & 0xFFFFFF);

IReadOnlyList<BaseImage> images = BaseImage.LoadAll();
return args switch
{
    ["--replay", .. string[] files] => Replay(files),
    ["--save", string seed, string file] => Save(Number(seed), file),
    ["--check", string count, string seed] => CompareChecks(Number(count), Number(seed)),
    _ => Run(args.Length > 0 ? Number(args[0]) : 20_000, args.Length > 1 ? Number(args[1]) : Environment.TickCount & 0xFFFFFF),
};

int Run(int count, int firstSeed)
{
    Console.WriteLine($"{count} cases from seed {firstSeed} on");
    long start = Stopwatch.GetTimestamp();
    HashSet<string> kinds = [];
    Campaign campaign = new(images);
    int findings = campaign.Run(firstSeed, count, Environment.ProcessorCount, finding =>
    {
        lock (kinds)
        {
            if (!kinds.Add(Kind(finding.What)))
                return;
        }

        string file = $"{finding.Case.Note.Replace(' ', '-')}.json";
        finding.Case.Save(file);
        Console.WriteLine($"{finding}\n    saved as {file}");
    }).Count;

    foreach ((string error, int times) in campaign.Errors.OrderByDescending(error => error.Value))
        Console.WriteLine($"{times,8} {error}");
    Console.WriteLine(
        $"{count} cases in {Stopwatch.GetElapsedTime(start).TotalSeconds:f0} s: {campaign.Succeeded} steps succeeded, {campaign.Refused} ended in a clear error, {findings} faults of {kinds.Count} kinds");
    return findings == 0 ? 0 : 1;
}

static int FuzzStreams(int count, int firstSeed)
{
    Console.WriteLine($"{count} streams from seed {firstSeed} on");
    long start = Stopwatch.GetTimestamp();
    StreamFuzz fuzz = new();
    IReadOnlyCollection<string> findings = fuzz.Run(firstSeed, count, Environment.ProcessorCount);
    foreach ((string error, int times) in fuzz.Errors.OrderByDescending(error => error.Value))
        Console.WriteLine($"{times,8} {error}");
    foreach (string finding in findings.DistinctBy(Kind).Take(20))
        Console.WriteLine(finding);
    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
    Console.WriteLine($"{count} streams in {seconds:f0} s, {count / seconds:f0} a second: {fuzz.Summary}, {findings.Count} faults");
    return findings.Count == 0 ? 0 : 1;
}

int Replay(string[] files)
{
    int faults = 0;
    foreach (string file in files)
    {
        Finding? finding = new Judge(images, Console.WriteLine).Run(DamagedImage.Load(file));
        Console.WriteLine($"{file}: {finding?.ToString() ?? "ends well"}");
        faults += finding is null ? 0 : 1;
    }

    return faults == 0 ? 0 : 1;
}

int Save(int seed, string file)
{
    Damage.Make(images, seed).Save(file);
    return 0;
}

int CompareChecks(int count, int firstSeed)
{
    string directory = Directory.CreateTempSubdirectory("btrfs-check-").FullName;
    int[] counts = new int[4];
    try
    {
        CheckComparison comparison = new(images, directory);
        Parallel.For(firstSeed, firstSeed + count, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, seed =>
        {
            CheckVerdicts verdicts = comparison.Compare(Damage.Make(images, seed));
            Interlocked.Increment(ref counts[(verdicts.Ours is null ? 0 : 1) + (verdicts.TheirsIsClean ? 0 : 2)]);
            if (verdicts.IsMissed)
                Console.WriteLine($"MISSED {verdicts.Case.Image} {verdicts.Case.Note}: {FirstComplaint(verdicts.Theirs)}");
            else if (verdicts.Ours is not null && verdicts.TheirsIsClean)
                Console.WriteLine($"alone {verdicts.Case.Image} {verdicts.Case.Note}: {verdicts.Ours}");
        });
    }
    finally
    {
        Directory.Delete(directory, recursive: true);
    }

    Console.WriteLine($"{count} cases: both clean {counts[0]}, found by the engine alone {counts[1]}, by btrfs check alone {counts[2]}, by both {counts[3]}");
    return counts[2] == 0 ? 0 : 1;
}

static string FirstComplaint(string output) =>
    string.Join(" | ", output.Split('\n').Where(line => line.Length > 0 && line[0] != '[' && !line.StartsWith("UUID", StringComparison.Ordinal)).Take(3));

// Faults with the same exception at the same place are one kind.
static string Kind(string what)
{
    string[] lines = what.Split('\n');
    return lines[0].Split(':')[0] + (lines.FirstOrDefault(line => line.Contains("at Btrfs.", StringComparison.Ordinal)) ?? "");
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
