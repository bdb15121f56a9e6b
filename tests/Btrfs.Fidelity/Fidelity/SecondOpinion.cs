using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity;

/// <summary>
/// Asks the kernel again where we differ. Its first answers were given while the state was mounted for writing, and unmounting still commits:
/// deleted files that were open go, subvolumes are cleaned up, and with them extents lose references that a choice of clone sources had seen.
/// The images that we read are those after that, so what the kernel sends of them is the judgement that counts.
/// </summary>
internal static class SecondOpinion
{
    /// <summary>Judges the differing requests anew against what the kernel sends of the unmounted images, mounted read-only.</summary>
    public static List<Verdict> Revise(IReadOnlyList<string> images, List<Verdict> verdicts, Func<ISendUnderTest> create, string work)
    {
        List<SendRequest> disputed = [.. verdicts.Where(verdict => !verdict.IsEqual).Select(verdict => verdict.Request)];
        if (disputed.Count == 0)
            return verdicts;

        string streams = Directory.CreateDirectory(Path.Combine(work, "again")).FullName;
        string mountPoint = Directory.CreateDirectory(Path.Combine(work, "mounted-again")).FullName;
        List<Recording> recordings;
        using (BtrfsMount mount = BtrfsMount.Open(images, mountPoint, readOnly: true))
            recordings = Recording.Collect(mount.Root, disputed, streams);

        Dictionary<SendRequest, Verdict> revised = Judge.Compare(images, recordings, create).ToDictionary(verdict => verdict.Request);
        return [.. verdicts.Select(verdict => revised.TryGetValue(verdict.Request, out Verdict? again) && again.IsEqual ? again with { IsRevised = true } : verdict)];
    }
}
